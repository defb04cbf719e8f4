/**
 * Cures for PgBouncer's own errors. It gives all of them the code of a protocol violation, so they are recognized by their
 * messages, which differ a little between its versions.
 */
const CURES: readonly (readonly [words: RegExp, cure: string])[] = [
  [
    /unsupported startup parameter/,
    "a pooler refuses the setting; remove it from the server setting, or connect directly to the server",
  ],
  [
    /authentication failed/,
    "check user and password, in the server setting and in the pooler's auth_file or auth_query",
  ],
  [
    /no such user/,
    "check user and password, in the server setting and in the pooler's auth_file or auth_query",
  ],
  [/no such database/, "name a database of the pooler's [databases] in the server setting, or add it there"],
  [/does not exist/, "create the database, or name another one in the server setting"],
  [
    /pg_hba\.conf/,
    "let the pooler in, in pg_hba.conf on the server; if TLS is required there, set the pooler's server_tls_sslmode",
  ],
  [
    /server login has been failing/,
    "start the server behind the pooler; PgBouncer itself tries that again only after its server_login_retry, so set it " +
    "to 1 (second; the default is 15)",
  ],
  [/client_login_timeout/, "start the server behind the pooler, or raise the pooler's default_pool_size"],
  [/query_wait_timeout/, "raise the pooler's default_pool_size, or run fewer at once"],
  [/no more connections allowed/, "raise the pooler's max_client_conn, or run fewer at once"],
];

/** What to do about an error of PgBouncer, by its message. */
export function poolerCure(message: string): string | undefined {
  return CURES.find(([words]) => words.test(message))?.[1];
}
