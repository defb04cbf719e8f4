/**
 * Every connection keyword of libpq 15 to 18, and some older and newer ones: its environment variable, and what sera
 * does with it.
 *
 * @see https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-PARAMKEYWORDS
 * @see https://www.postgresql.org/docs/18/libpq-envars.html
 * @module
 */

/** One keyword. */
export interface PostgresKeyword {
  readonly name: string;
  /** The environment variable that gives the value when neither the text nor a service does. */
  readonly variable?: string | undefined;
  /**
   * `used`: sera follows it. `ignored`: it changes neither where sera connects nor how safely. Otherwise only some
   * values are supported.
   */
  readonly treatment: "used" | "ignored" | Restriction;
}

/** The values that sera supports. An empty value is the default, and always supported. */
export interface Restriction {
  /** In lower case. As in libpq, the case matters except in versions of TLS. */
  readonly accepted: readonly string[];
  /** Why other values are refused. */
  readonly why: string;
  /** What to do instead. */
  readonly instead?: string | undefined;
}

const used = (name: string, variable?: string): PostgresKeyword => ({ name, variable, treatment: "used" });
const ignored = (name: string, variable?: string): PostgresKeyword => ({ name, variable, treatment: "ignored" });
const refused = (
  name: string,
  variable: string | undefined,
  [why, instead]: readonly [why: string, instead?: string],
  accepted: readonly string[] = [],
) => ({ name, variable, treatment: { accepted, why, instead } } satisfies PostgresKeyword);

const NO_REVOCATION = ["revocation lists cannot be checked", "leave it out"] as const;
const NO_OAUTH = ["OAuth is not supported", "leave it out and use a password or a client certificate"] as const;
const NO_SCRAM_KEYS = ["keys derived from a password cannot be used", "leave it out and give the password"] as const;

/** All keywords. */
export const POSTGRES_KEYWORDS: readonly PostgresKeyword[] = [
  used("service", "PGSERVICE"),
  // New in 19.
  used("servicefile", "PGSERVICEFILE"),
  used("user", "PGUSER"),
  used("password", "PGPASSWORD"),
  used("passfile", "PGPASSFILE"),
  used("dbname", "PGDATABASE"),
  used("host", "PGHOST"),
  used("hostaddr", "PGHOSTADDR"),
  used("port", "PGPORT"),
  used("connect_timeout", "PGCONNECT_TIMEOUT"),
  used("options", "PGOPTIONS"),
  used("application_name", "PGAPPNAME"),
  used("keepalives"),
  used("keepalives_idle"),
  used("target_session_attrs", "PGTARGETSESSIONATTRS"),
  used("sslmode", "PGSSLMODE"),
  used("sslnegotiation", "PGSSLNEGOTIATION"),
  used("sslrootcert", "PGSSLROOTCERT"),
  used("sslcert", "PGSSLCERT"),
  used("sslkey", "PGSSLKEY"),
  // Not `ignored`, since `disable` keeps the client certificate from being sent.
  refused("sslcertmode", "PGSSLCERTMODE", ["whether the server asks for a certificate is not checked", "write allow"], [
    "disable",
    "allow",
  ]),

  ignored("fallback_application_name"),
  ignored("client_encoding", "PGCLIENTENCODING"),
  ignored("keepalives_interval"),
  ignored("keepalives_count"),
  ignored("tcp_user_timeout"),
  ignored("sslcompression", "PGSSLCOMPRESSION"),
  // For Kerberos, which sera does not support.
  ignored("krbsrvname", "PGKRBSRVNAME"),
  ignored("gsslib", "PGGSSLIB"),
  ignored("gssdelegation", "PGGSSDELEGATION"),
  // Long without effect, and removed in libpq 14, but still in some settings.
  ignored("authtype"),
  ignored("tty"),

  refused("sslcrl", "PGSSLCRL", NO_REVOCATION),
  refused("sslcrldir", "PGSSLCRLDIR", NO_REVOCATION),
  refused("sslpassword", undefined, ["an encrypted client key cannot be used, decrypt it and name it with sslkey"]),
  refused("sslkeylogfile", undefined, ["the keys of a TLS session are never logged", "leave it out"]),
  refused("sslsni", "PGSSLSNI", ["the server's name is always sent", "leave it out or write 1"], ["1"]),
  refused(
    "ssl_min_protocol_version",
    "PGSSLMINPROTOCOLVERSION",
    ["sera uses TLS 1.2 and 1.3, and neither can be ruled out", "write TLSv1.2"],
    ["tlsv1", "tlsv1.1", "tlsv1.2"],
  ),
  refused(
    "ssl_max_protocol_version",
    "PGSSLMAXPROTOCOLVERSION",
    ["sera uses TLS 1.2 and 1.3, and neither can be ruled out", "leave it out or write TLSv1.3"],
    ["tlsv1.3"],
  ),
  refused(
    "min_protocol_version",
    "PGMINPROTOCOLVERSION",
    ["only version 3.0 of the protocol is supported", "leave it out or write 3.0"],
    ["3.0"],
  ),
  refused(
    "max_protocol_version",
    "PGMAXPROTOCOLVERSION",
    ["only version 3.0 of the protocol is supported", "leave it out or write 3.0"],
    ["3.0", "3.2", "latest"],
  ),
  refused(
    "requirepeer",
    "PGREQUIREPEER",
    [
      "the owner of the server's process cannot be checked",
      "leave it out and use a folder that only that user can write",
    ],
  ),
  refused(
    "require_auth",
    "PGREQUIREAUTH",
    ["the way to authenticate cannot be restricted", "leave it out and use sslmode=verify-full"],
  ),
  refused(
    "channel_binding",
    "PGCHANNELBINDING",
    ["it cannot be required", "write prefer or disable, and use sslmode=verify-full"],
    ["disable", "prefer"],
  ),
  refused(
    "gssencmode",
    "PGGSSENCMODE",
    ["GSSAPI encryption is not supported", "write prefer or disable, and use TLS with sslmode"],
    ["disable", "prefer"],
  ),
  refused(
    "load_balance_hosts",
    "PGLOADBALANCEHOSTS",
    [
      "hosts are tried in the order given, since everyone who wants the lock must use the same server",
      "write disable",
    ],
    ["disable"],
  ),
  refused("replication", undefined, ["a replication connection cannot take locks", "leave it out"], [
    "false",
    "off",
    "no",
    "0",
  ]),
  refused("scram_client_key", undefined, NO_SCRAM_KEYS),
  refused("scram_server_key", undefined, NO_SCRAM_KEYS),
  refused("oauth_issuer", undefined, NO_OAUTH),
  refused("oauth_client_id", undefined, NO_OAUTH),
  refused("oauth_client_secret", undefined, NO_OAUTH),
  refused("oauth_scope", undefined, NO_OAUTH),
  // New in 19.
  refused("oauth_ca_file", "PGOAUTHCAFILE", NO_OAUTH),
];

const NAMES: ReadonlySet<string> = new Set(POSTGRES_KEYWORDS.map((keyword) => keyword.name));

/** Whether libpq knows a keyword of this name; the case matters. */
export function isPostgresKeyword(name: string): boolean {
  return NAMES.has(name);
}

/** Turns the old `requiressl` into a value of sslmode, as libpq does; leaves everything else as it is. */
export function withoutOldNames(name: string, value: string): [name: string, value: string] {
  return name === "requiressl" ? ["sslmode", value.startsWith("1") ? "require" : "prefer"] : [name, value];
}

/** Keywords whose values are secret; what follows them in a text may be the rest of one that was not quoted. */
export const SECRET_KEYWORDS: ReadonlySet<string> = new Set([
  "password",
  "sslpassword",
  "oauth_client_secret",
  "scram_client_key",
  "scram_server_key",
]);
