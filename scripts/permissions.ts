/**
 * What sera may do, and no more: read its configuration and lock folders, create lock files, reach the lock's server, run
 * the command, read the variables that it documents, hide from the runtime those that would have it trust others than the
 * CA that is named, and know the user, its id and the host's name. Nothing is ever asked for at run time.
 */
export const PERMISSIONS: readonly string[] = [
  "--no-prompt",
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-run",
  "--allow-env=SERA_*,PG*,HOME,USERPROFILE,APPDATA,LOCALAPPDATA,DENO_CERT,DENO_TLS_CA_STORE,SSL_CERT_FILE," +
  "SSL_CERT_DIR",
  "--allow-sys=uid,gid,username,hostname,osUptime",
  "--deny-import",
];
