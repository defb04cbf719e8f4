/**
 * The permissions that the program is compiled with; it never asks for more at run time. It may read its configuration and
 * lock folders, create lock files, connect to the lock's server, run the command, read the variables that it documents, and
 * learn the user, the host's name and the time since boot. The variables from DENO_CERT on are those by which the runtime
 * would trust other authorities than the CA that is named, or send requests to a proxy: sera removes them for a moment.
 */
export const PERMISSIONS: readonly string[] = [
  "--no-prompt",
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-run",
  "--allow-env=SERA_*,PG*,TERM,NO_COLOR,HOME,USERPROFILE,APPDATA,LOCALAPPDATA,DENO_CERT,DENO_TLS_CA_STORE,SSL_CERT_FILE," +
  "SSL_CERT_DIR,HTTP_PROXY,http_proxy,HTTPS_PROXY,https_proxy,ALL_PROXY,all_proxy",
  "--allow-sys=uid,gid,username,hostname,osUptime",
  "--deny-import",
];
