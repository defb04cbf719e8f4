import assert from "node:assert/strict";
import { DsnError } from "../../../lib/backends/network/address_text.ts";
import { parsePostgresServer } from "../../../lib/backends/postgres/address.ts";
import type { PostgresHost, PostgresServer } from "../../../lib/backends/postgres/server.ts";

/** Environment variables; nothing else surrounds the text. */
type Env = Record<string, string>;

const parse = (text: string, env: Env = {}) =>
  parsePostgresServer(text, { env: (name) => env[name] || undefined, home: undefined, systemUser: () => "me" });

const tcp = (host: string, port = 5432, certificateName: string | undefined = host): PostgresHost => ({
  address: { transport: "tcp", host, port },
  ...(certificateName === undefined ? {} : { certificateName }),
});
const unix = (path: string): PostgresHost => ({ address: { transport: "unix", path } });

const DEFAULTS: PostgresServer = {
  hosts: [tcp("h")],
  user: "me",
  database: "me",
  sslmode: "prefer",
  sslnegotiation: "postgres",
  targetSessionAttrs: "any",
  keepalives: {},
  notes: [],
};

/** Each has the host h, unless it says otherwise. */
type Accepted = readonly [text: string, env: Env, says: string, expected: Partial<PostgresServer>];
type Refused = readonly [text: string, env: Env, says: string, message: string | RegExp];

const named = (text: string, env: Env) => `${text || "(empty)"} ${Object.entries(env).map((pair) => pair.join("="))}`;

function accepts(rows: readonly Accepted[]): void {
  for (const [text, env, says, expected] of rows) {
    Deno.test(`postgres: ${named(text, env)} → ${says}`, () => {
      assert.deepEqual(parse(text, env), { ...DEFAULTS, ...expected });
    });
  }
}

function refuses(rows: readonly Refused[]): void {
  for (const [text, env, says, message] of rows) {
    Deno.test(`postgres: ${named(text, env)} → error: ${says}`, () => {
      assert.throws(() => parse(text, { PGHOST: "h", ...env }), (error) => {
        assert.ok(error instanceof DsnError, `${error}`);
        if (typeof message === "string") assert.equal(error.message, message);
        else assert.match(error.message, message);
        assert.match(error.message, /^Cannot [^\n]*[^.\n]$/);
        assert.doesNotMatch(error.message, /s3cret/);
        return true;
      });
    });
  }
}

// Where the values come from.
const P = { ...tcp("h"), password: "p" };
accepts([
  ["", { PGHOST: "h" }, "only a variable", {}],
  ["postgres://u:p@h:1/d", {}, "all from a URI", {
    hosts: [{ ...tcp("h", 1), password: "p" }],
    user: "u",
    database: "d",
  }],
  ["host=h user=u", {}, "the database is named like the user", { user: "u", database: "u" }],
  ["host=h", { PGHOST: "i", PGUSER: "u" }, "the text wins over a variable", { user: "u", database: "u" }],
  ["host=h user=''", { PGUSER: "u" }, "an empty value is the default, whatever a variable says", {}],
  ["postgres://h?dbname=", { PGDATABASE: "d" }, "so is an empty parameter", {}],
  ["postgres://h/", { PGDATABASE: "d" }, "an empty part of a URI is none", { database: "d" }],
  ["host=h", { PGUSER: "" }, "an empty variable is none", {}],
  ["host=h sslmode=''", {}, "an empty choice is the default", {}],
  ["host=h connect_timeout='' keepalives=''", {}, "an empty number is the default", {}],
  [
    "",
    {
      PGHOST: "h",
      PGPORT: "6",
      PGDATABASE: "d",
      PGUSER: "u",
      PGPASSWORD: "p",
      PGOPTIONS: "-c a=b",
      PGAPPNAME: "a",
      PGCONNECT_TIMEOUT: "3",
      PGTARGETSESSIONATTRS: "primary",
      PGSSLMODE: "require",
      PGSSLNEGOTIATION: "direct",
    },
    "each variable",
    {
      hosts: [{ ...tcp("h", 6), password: "p" }],
      database: "d",
      user: "u",
      options: "-c a=b",
      applicationName: "a",
      connectTimeout: 3000,
      targetSessionAttrs: "primary",
      sslmode: "require",
      sslnegotiation: "direct",
    },
  ],
  ["host=h password=p", { PGPASSWORD: "q" }, "a password", { hosts: [P] }],
  ["host=h", { PGREQUIRESSL: "1x" }, "the old variable, on", { sslmode: "require" }],
  ["host=h", { PGREQUIRESSL: "yes" }, "the old variable, off", {}],
  ["host=h", { PGREQUIRESSL: "1", PGSSLMODE: "allow" }, "the old variable comes last", { sslmode: "allow" }],
  ["host=h sslmode=disable", { PGREQUIRESSL: "1" }, "and after the text", { sslmode: "disable" }],
]);

// Lists of hosts.
accepts([
  ["host=a,b port=1,2", {}, "a port each", { hosts: [tcp("a", 1), tcp("b", 2)] }],
  ["host=a,b port=1", {}, "a port for all", { hosts: [tcp("a", 1), tcp("b", 1)] }],
  ["host=a,b port=,2", {}, "an empty port is 5432", { hosts: [tcp("a"), tcp("b", 2)] }],
  ["postgres://a,b", { PGPORT: "7" }, "two hosts of a URI have ports", { hosts: [tcp("a"), tcp("b")] }],
  ["host=a,b", { PGPORT: "7" }, "two hosts of pairs do not", { hosts: [tcp("a", 7), tcp("b", 7)] }],
  ["port='\t+65535 '", { PGHOST: "h" }, "blanks and a sign are fine", { hosts: [tcp("h", 65535)] }],
  ["hostaddr=1.2.3.4,::1", {}, "addresses only", {
    hosts: [
      { address: { transport: "tcp", host: "1.2.3.4", port: 5432 } },
      { address: { transport: "tcp", host: "::1", port: 5432 } },
    ],
  }],
  ["host=a,b,c hostaddr=1.2.3.4,,::1", {}, "an address where there is one", {
    hosts: [tcp("1.2.3.4", 5432, "a"), tcp("b"), tcp("::1", 5432, "c")],
  }],
  ["host=a", { PGHOSTADDR: "1.2.3.4" }, "an address from elsewhere", { hosts: [tcp("1.2.3.4", 5432, "a")] }],
  ["host=a,b user=u password=p", {}, "one password for all", {
    hosts: [{ ...tcp("a"), password: "p" }, { ...tcp("b"), password: "p" }],
    user: "u",
    database: "u",
  }],
  ["host=/a,h port=1,2", {}, "a socket and a host", { hosts: [unix("/a/.s.PGSQL.1"), tcp("h", 2)] }],
  ["postgres://%2Fa:7", {}, "a socket in a URI", { hosts: [unix("/a/.s.PGSQL.7")] }],
  ["host=::1", {}, "IPv6 needs no brackets", { hosts: [tcp("::1")] }],
  ["host=/a sslmode=verify-full", {}, "TLS needs no file for a socket", {
    hosts: [unix("/a/.s.PGSQL.5432")],
    sslmode: "verify-full",
  }],
]);

Deno.test({
  name: "postgres: without a host, the socket's folder is the first that has the socket",
  ignore: Deno.build.os === "windows",
  fn() {
    // A port that no server is likely to have, and no other run of this test.
    const port = 2 + Deno.pid % 1000;
    const socket = `/tmp/.s.PGSQL.${port}`;
    const inRun = unix(`/var/run/postgresql/.s.PGSQL.${port}`);
    assert.deepEqual(parse(`port=${port}`).hosts, [inRun]);
    assert.deepEqual(parse(`host=,h port=${port}`).hosts, [inRun, tcp("h", port)]);
    Deno.writeTextFileSync(socket, "", { createNew: true });
    try {
      assert.deepEqual(parse(`port=${port}`).hosts, [unix(socket)]);
    } finally {
      Deno.removeSync(socket);
    }
  },
});

// Single values.
accepts([
  ["host=h connect_timeout=0", {}, "no timeout", {}],
  ["host=h connect_timeout=-5", {}, "no timeout if negative", {}],
  ["host=h connect_timeout=1", {}, "at least two seconds", { connectTimeout: 2000 }],
  ["host=h connect_timeout=2", {}, "two seconds", { connectTimeout: 2000 }],
  ["host=h keepalives=0 keepalives_idle=9", {}, "no keepalives", { keepalives: false }],
  ["host=h keepalives=1 keepalives_idle=9", {}, "keepalives", { keepalives: { idle: 9 } }],
  ["host=h keepalives_idle=0", {}, "the system's idle time", {}],
  ["host=h target_session_attrs=read-write", {}, "read-write", { targetSessionAttrs: "read-write" }],
  ["host=h target_session_attrs=any", {}, "any", {}],
  ["host=h sslrootcert=system", {}, "the system's roots ask for the name", {
    sslmode: "verify-full",
    sslrootcert: "system",
  }],
  ["host=h sslmode=verify-full sslrootcert=system", {}, "the same in words", {
    sslmode: "verify-full",
    sslrootcert: "system",
  }],
  ["host=h sslmode=allow", {}, "allow", { sslmode: "allow" }],
  ["host=h sslmode=require sslnegotiation=direct", {}, "direct", { sslmode: "require", sslnegotiation: "direct" }],
  ["host=h sslmode=disable sslcert=/no sslrootcert=/no", {}, "no TLS, no files", { sslmode: "disable" }],
]);

// Keywords that mean nothing to a lock, and the harmless values of those that are refused.
accepts([
  [
    "host=h fallback_application_name=x client_encoding=auto keepalives_interval=1 keepalives_count=1 " +
    "tcp_user_timeout=1 sslcompression=1 krbsrvname=x gsslib=gssapi gssdelegation=1 authtype=x tty=x",
    {},
    "nothing",
    {},
  ],
  [
    "host=h sslcrl='' sslsni=1 ssl_min_protocol_version=tlsv1.2 ssl_max_protocol_version=TLSv1.3 " +
    "min_protocol_version=3.0 max_protocol_version=latest channel_binding=prefer gssencmode=disable " +
    "load_balance_hosts=disable replication=false sslcertmode=allow require_auth='' requirepeer=''",
    {},
    "nothing",
    {},
  ],
  ["host=h", { PGTZ: "x", PGDATESTYLE: "x", PGGEQO: "x", PGTTY: "x", PGLOCALEDIR: "x" }, "nothing", {}],
]);

const NOT_FOR_LOCKS: readonly [keyword: string, value: string, variable: string | undefined, instead: RegExp][] = [
  ["sslcrl", "/s3cret", "PGSSLCRL", /leave it out/],
  ["sslcrldir", "/s3cret", "PGSSLCRLDIR", /leave it out/],
  ["sslpassword", "s3cret", undefined, /decrypt it and name it with sslkey/],
  ["sslkeylogfile", "/s3cret", undefined, /leave it out/],
  ["sslsni", "0", "PGSSLSNI", /write 1/],
  ["sslcertmode", "require", "PGSSLCERTMODE", /write allow/],
  ["ssl_min_protocol_version", "TLSv1.3", "PGSSLMINPROTOCOLVERSION", /write TLSv1\.2/],
  ["ssl_max_protocol_version", "TLSv1.2", "PGSSLMAXPROTOCOLVERSION", /write TLSv1\.3/],
  ["min_protocol_version", "3.2", "PGMINPROTOCOLVERSION", /write 3\.0/],
  ["max_protocol_version", "2.0", "PGMAXPROTOCOLVERSION", /write 3\.0/],
  ["requirepeer", "s3cret", "PGREQUIREPEER", /a folder that only that user can write/],
  ["require_auth", "scram-sha-256", "PGREQUIREAUTH", /use sslmode=verify-full/],
  ["channel_binding", "require", "PGCHANNELBINDING", /write prefer or disable/],
  ["gssencmode", "require", "PGGSSENCMODE", /use TLS with sslmode/],
  ["load_balance_hosts", "random", "PGLOADBALANCEHOSTS", /write disable/],
  ["replication", "database", undefined, /leave it out/],
  ["scram_client_key", "s3cret", undefined, /give the password/],
  ["scram_server_key", "s3cret", undefined, /give the password/],
  ["oauth_issuer", "s3cret", undefined, /use a password or a client certificate/],
  ["oauth_client_id", "s3cret", undefined, /use a password/],
  ["oauth_client_secret", "s3cret", undefined, /use a password/],
  ["oauth_scope", "s3cret", undefined, /use a password/],
  ["oauth_ca_file", "/s3cret", "PGOAUTHCAFILE", /use a password/],
];
for (const [keyword, value, variable, instead] of NOT_FOR_LOCKS) {
  const message = (label: string) => new RegExp(`^Cannot use ${label} for PostgreSQL: .*${instead.source}`);
  refuses([[`${keyword}=${value}`, {}, "refused", message(keyword)]]);
  if (variable) refuses([["", { [variable]: value }, "refused", message(variable)]]);
}

const MODES = "write disable, allow, prefer, require, verify-ca or verify-full";
refuses([
  ["sslmode=foo", {}, "no such mode", `Cannot use sslmode for PostgreSQL: "foo" is not known; ${MODES}`],
  ["", { PGSSLMODE: "foo" }, "no such mode", `Cannot use PGSSLMODE for PostgreSQL: "foo" is not known; ${MODES}`],
  ["sslmode=Require", {}, "case matters", /"Require" is not known/],
  [
    "password=x sslmode=s3cret",
    {},
    "after a password",
    `Cannot use sslmode for PostgreSQL: its value is not known; ${MODES}`,
  ],
  ["postgres://u:p@h?sslmode=foo", {}, "a URI", /"foo" is not known/],
  ["postgres://u:p@h?password=a&sslmode=s3cret", {}, "after a password", /its value is not known/],
  ["sslnegotiation=foo", {}, "no such negotiation", /"foo" is not known; write postgres or direct$/],
  [
    "sslnegotiation=direct",
    {},
    "direct but weak",
    "Cannot use sslnegotiation for PostgreSQL: direct may not be used with the weak sslmode prefer; " +
    "write sslmode=require, verify-ca or verify-full",
  ],
  [
    "sslrootcert=system sslmode=verify-ca",
    {},
    "system but weak",
    "Cannot use sslrootcert for PostgreSQL: system may not be used with the weak sslmode verify-ca; " +
    "write sslmode=verify-full",
  ],
  [
    "sslmode=verify-ca",
    {},
    "no root certificate and no home",
    "Cannot use sslmode for PostgreSQL: the home folder is not known; give the file with sslrootcert or tls-ca, " +
    "or use sslrootcert=system with sslmode=verify-full",
  ],
  ["host='' hostaddr=::1 sslrootcert=system", {}, "no name to verify", /use hostaddr .*add host next to hostaddr/],
  ["connect_timeout=5s", {}, "no number", /use connect_timeout for .*"5s" is not a whole number; write one such as 10/],
  ["connect_timeout=3000000000", {}, "more than 32 bits", /is not a whole number/],
  ["", { PGCONNECT_TIMEOUT: "x" }, "no number", /use PGCONNECT_TIMEOUT for .*"x" is not a whole number/],
  ["keepalives=yes", {}, "no number", /use keepalives for .*is not a whole number/],
  ["keepalives_idle=1.5", {}, "no whole number", /use keepalives_idle for .*is not a whole number/],
  [
    "target_session_attrs=standby",
    {},
    "a lock there is none",
    "Cannot use target_session_attrs for PostgreSQL: a lock on a standby server does not count elsewhere; " +
    "write primary or read-write",
  ],
  [
    "",
    { PGTARGETSESSIONATTRS: "read-only" },
    "a lock there is none",
    /use PGTARGETSESSIONATTRS for .*does not count elsewhere/,
  ],
  ["target_session_attrs=prefer-standby", {}, "a lock there is none", /does not count elsewhere/],
  ["target_session_attrs=foo", {}, "no such server", /"foo" is not known; write any, read-write or primary/],
  [
    "host=a,b port=1,2,3",
    {},
    "too many ports",
    "Cannot combine port and host for PostgreSQL: could not match 3 port numbers to 2 hosts; " +
    "give as many of one as of the other, separated by commas, or one port for all",
  ],
  ["port=1,2", {}, "more ports than hosts", /could not match 2 port numbers to 1 host;/],
  [
    "host=a,b hostaddr=::1",
    {},
    "too few addresses",
    "Cannot combine host and hostaddr for PostgreSQL: could not match 2 host names to 1 hostaddr value; " +
    "give as many of one as of the other, separated by commas",
  ],
  ["port=0", {}, "port 0", /use port for PostgreSQL: "0" is not a port; write a number from 1 to 65535/],
  ["port=65536", {}, "a port too high", /"65536" is not a port/],
  ["port=1x", {}, "no number", /"1x" is not a port/],
  ["", { PGPORT: "x" }, "no number", /use PGPORT for PostgreSQL: "x" is not a port/],
  ["postgres://u:s3cret/d", {}, "a password and no host", /use port for PostgreSQL: its value is not a port/],
  ["postgres://u:p@h:s3cret/d", {}, "perhaps a password", /use port for PostgreSQL: its value is not a port/],
  ["postgres://u:p@h:99999", {}, "a port too high, or a password", /use port for PostgreSQL: its value is not a port/],
  ["host=@abstract", {}, "an abstract socket", /an abstract Unix socket \(@\) cannot be used; name the folder/],
  ["hostaddr=example.org", {}, "no address", /"example.org" is not an IP address; write a name with host instead/],
]);
