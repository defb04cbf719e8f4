import assert from "node:assert/strict";
import { DsnError } from "../../../lib/backends/network/address_text.ts";
import { parsePostgresServer } from "../../../lib/backends/postgres/address.ts";
import type { PostgresServer } from "../../../lib/backends/postgres/server.ts";

const isWindows = Deno.build.os === "windows";

/** A home folder with these files by path; on Windows it has what libpq's folder has. */
interface Given {
  readonly files?: Record<string, string>;
  /** Modes of files that are not 0600. */
  readonly modes?: Record<string, number>;
  /** `~` stands for the home folder, in values and in the text. */
  readonly env?: Record<string, string>;
  readonly text?: string;
}

/** Runs with such a home folder, whose path is `~` in all that comes back. */
function inHome<T>(
  { files = {}, modes = {}, env = {}, text = "host=h" }: Given,
  use: (server: () => PostgresServer) => T,
): T {
  const home = Deno.makeTempDirSync();
  try {
    for (const [name, content] of Object.entries(files)) {
      const path = `${home}/${name}`;
      Deno.mkdirSync(path.replace(/\/[^/]*$/, ""), { recursive: true });
      Deno.writeTextFileSync(path, content);
      if (!isWindows) Deno.chmodSync(path, modes[name] ?? 0o600);
    }
    const filled = (value: string) => value.replaceAll("~", home);
    const surroundings = {
      env: (name: string) => name in env ? filled(env[name]!) : undefined,
      home,
      systemUser: () => "me",
    };
    return use(() => {
      try {
        const server = parsePostgresServer(filled(text), surroundings);
        return JSON.parse(JSON.stringify(server).replaceAll(home, "~"));
      } catch (error) {
        if (!(error instanceof DsnError)) throw error;
        assert.match(error.message, /^Cannot [^\n]*[^.\n]$/);
        assert.doesNotMatch(error.message, /s3cret/);
        throw new DsnError(error.message.replaceAll(home, "~"));
      }
    });
  } finally {
    Deno.removeSync(home, { recursive: true });
  }
}

type Accepted = readonly [says: string, given: Given, expected: Partial<PostgresServer>];
type Refused = readonly [says: string, given: Given, message: string | RegExp];

/** Only the given fields are compared; undefined means absent. */
function accepts(rows: readonly Accepted[]): void {
  for (const [says, given, expected] of rows) {
    Deno.test({
      name: `postgres files: ${says}`,
      ignore: isWindows,
      fn: () =>
        inHome(given, (server) => {
          const actual = server();
          const keys = Object.keys(expected) as (keyof PostgresServer)[];
          assert.deepEqual(Object.fromEntries(keys.map((key) => [key, actual[key]])), expected);
        }),
    });
  }
}

function refuses(rows: readonly Refused[]): void {
  for (const [says, given, message] of rows) {
    Deno.test({
      name: `postgres files: error: ${says}`,
      ignore: isWindows,
      fn: () =>
        inHome(given, (server) => {
          assert.throws(server, (error) => {
            assert.ok(error instanceof DsnError);
            if (typeof message === "string") assert.equal(error.message, message);
            else assert.match(error.message, message);
            return true;
          });
        }),
    });
  }
}

const tcp = (host: string, password?: string, port = 5432) => ({
  address: { transport: "tcp", host, port },
  certificateName: host,
  ...(password === undefined ? {} : { password }),
} as const);

// Service files.
const SERVICES = `# first
[other]
user=wrong
[s]
# of this
  user=u
dbname=d=e
user=second
options= -c a=b

[s]
port=9
`;
const S = ".pg_service.conf";
accepts([
  ["a service gives what the text does not", { text: "service=s host=h", files: { [S]: SERVICES } }, {
    hosts: [tcp("h")],
    user: "u",
    database: "d=e",
    options: " -c a=b",
  }],
  ["the text wins over a service", { text: "service=s host=h user=x", files: { [S]: SERVICES } }, { user: "x" }],
  [
    "a service wins over a variable",
    { text: "service=s", env: { PGUSER: "x", PGHOST: "h" }, files: { [S]: SERVICES } },
    {
      user: "u",
    },
  ],
  ["PGSERVICE names a service", { env: { PGSERVICE: "s" }, files: { [S]: SERVICES } }, { user: "u" }],
  ["the text's service wins", { text: "service=t host=h", env: { PGSERVICE: "s" }, files: { [S]: "[t]\nuser=t" } }, {
    user: "t",
  }],
  ["an empty service is none", { text: "service='' host=h", env: { PGSERVICE: "s" } }, { user: "me" }],
  ["PGSERVICEFILE wins over the own file", {
    env: { PGSERVICE: "s", PGSERVICEFILE: "~/f" },
    files: { f: "[s]\r\nuser=f\r\n", [S]: SERVICES },
  }, { user: "f" }],
  ["servicefile wins over PGSERVICEFILE", {
    text: "host=h service=s servicefile=~/g",
    env: { PGSERVICEFILE: "~/f" },
    files: { f: "[s]\nuser=f", g: "[s]\nuser=g" },
  }, { user: "g" }],
  ["the system's file comes after the own", {
    env: { PGSERVICE: "s", PGSYSCONFDIR: "~/etc" },
    files: { [S]: "[other]", "etc/pg_service.conf": "[s]\nuser=sys" },
  }, { user: "sys" }],
  ["the system's file without an own", {
    env: { PGSERVICE: "s", PGSYSCONFDIR: "~/etc" },
    files: { "etc/pg_service.conf": "[s]\nuser=sys" },
  }, { user: "sys" }],
  ["an empty value of a service is the default", {
    env: { PGSERVICE: "s", PGUSER: "x" },
    files: { [S]: "[s]\nuser=" },
  }, { user: "me" }],
  ["a password of a service", { env: { PGSERVICE: "s" }, files: { [S]: "[s]\npassword=a b'" } }, {
    hosts: [tcp("h", "a b'")],
  }],
]);
refuses([
  [
    "no such service",
    { text: "service=x", files: { [S]: SERVICES } },
    'Cannot use service for PostgreSQL: "x" is not in any service file; add it to "~/.pg_service.conf" ' +
    "or name the file with PGSERVICEFILE",
  ],
  ["no service file", { env: { PGSERVICE: "x" } }, /use PGSERVICE for PostgreSQL: "x" is not in any service file/],
  [
    "a named service file is missing",
    { env: { PGSERVICE: "x", PGSERVICEFILE: "~/no" } },
    'Cannot use PGSERVICEFILE for PostgreSQL: the service file "~/no" cannot be read (there is no such file); ' +
    "fix that or name another with PGSERVICEFILE",
  ],
  [
    "a value of a service",
    { text: "service=s", files: { [S]: "[s]\nsslmode=foo" } },
    /^Cannot use sslmode in "~\/\.pg_service\.conf" for PostgreSQL: "foo" is not known/,
  ],
  [
    "a nested service",
    { text: "service=s", files: { [S]: "[s]\nservice=t" } },
    'Cannot read the PostgreSQL service file "~/.pg_service.conf": line 2 names a service within a service; leave it out',
  ],
  [
    "LDAP",
    { text: "service=s", files: { [S]: "[s]\nldap://s3cret" } },
    /line 2 asks an LDAP server, which is not supp/,
  ],
  [
    "a bare word",
    { text: "service=s", files: { [S]: "[s]\n\ns3cret" } },
    /line 3 is not a keyword=value that libpq knows/,
  ],
  ["no such keyword", { text: "service=s", files: { [S]: "[s]\ns3cret=1" } }, /line 2 is not a keyword=value/],
  [
    "blanks before the equals sign",
    { text: "service=s", files: { [S]: "[s]\nuser =u" } },
    /write no spaces around the =/,
  ],
  ["what is refused", { text: "service=s", files: { [S]: "[s]\nsslpassword=s3cret" } }, /use sslpassword in "~/],
]);

// Password files.
const pgpass = (content: string, text = "host=h user=u dbname=d", more: Given = {}): Given => (
  { text, files: { ".pgpass": content }, ...more }
);
const found = (password: string | undefined, host = "h") => ({ hosts: [tcp(host, password)], notes: [] });
accepts([
  ["a password by all four", pgpass("h:5432:d:u:s3cret\n"), found("s3cret")],
  ["stars", pgpass("*:*:*:*:s3cret"), found("s3cret")],
  ["the first that fits", pgpass("i:*:*:*:1\nh:1:*:*:2\nh:*:e:*:3\nh:*:*:v:4\nh:*:*:*:5\n*:*:*:*:6"), found("5")],
  ["escapes", pgpass("h:*:a\\:b\\\\c:*:p\\:q\\\\r", "host=h user=u dbname=a:b\\\\c"), found("p:q\\r")],
  ["a star that is escaped", pgpass("h:*:\\*:*:1\nh:*:*:*:2"), found("2")],
  ["a comment", pgpass("#h:*:*:*:1\nh:*:*:*:2\r\n"), found("2")],
  ["a comment, even if a host is called so", pgpass("#h:*:*:*:1", "host=#h"), found(undefined, "#h")],
  ["too few fields", pgpass("h:*:*:1\nh:*:*:*:2"), found("2")],
  ["the password ends at a colon", pgpass("h:*:*:*:1:2"), found("1")],
  ["an empty password is none", pgpass("h:*:*:*:\n*:*:*:*:1"), found(undefined)],
  ["none fits", pgpass("i:*:*:*:1"), found(undefined)],
  ["a given password wins", pgpass("*:*:*:*:1", "host=h password=2", { modes: { ".pgpass": 0o644 } }), found("2")],
  ["a password each", pgpass("a:1:*:*:1\nb:2:*:*:2", "host=a,b,c port=1,2,3"), {
    hosts: [tcp("a", "1", 1), tcp("b", "2", 2), tcp("c", undefined, 3)],
  }],
  ["the host's name, not its address", pgpass("::1:*:*:*:0\n\\:\\:1:*:*:*:1\nh:*:*:*:2", "host=h hostaddr=::1"), {
    hosts: [{ address: { transport: "tcp", host: "::1", port: 5432 }, certificateName: "h", password: "2" }],
  }],
  ["the address without a name", pgpass("\\:\\:1:*:*:*:1", "hostaddr=::1"), {
    hosts: [{ address: { transport: "tcp", host: "::1", port: 5432 }, password: "1" }],
  }],
  ["localhost is the default socket", pgpass("localhost:1:*:*:1", "port=1"), {
    hosts: [{ address: { transport: "unix", path: "/var/run/postgresql/.s.PGSQL.1" }, password: "1" }],
  }],
  ["the default socket's folder is localhost", pgpass("localhost:1:*:*:1", "host=/var/run/postgresql port=1"), {
    hosts: [{ address: { transport: "unix", path: "/var/run/postgresql/.s.PGSQL.1" }, password: "1" }],
  }],
  ["another socket's folder", pgpass("localhost:*:*:*:1\n/a:*:*:*:2", "host=/a port=1"), {
    hosts: [{ address: { transport: "unix", path: "/a/.s.PGSQL.1" }, password: "2" }],
  }],
  ["PGPASSFILE", { env: { PGPASSFILE: "~/f" }, files: { f: "h:*:*:*:1", ".pgpass": "h:*:*:*:2" } }, found("1")],
  ["passfile wins", {
    text: "host=h passfile=~/g",
    env: { PGPASSFILE: "~/f" },
    files: { f: "h:*:*:*:1", g: "h:*:*:*:2" },
  }, found("2")],
  ["a file that group can read", pgpass("h:*:*:*:1", "host=h", { modes: { ".pgpass": 0o640 } }), {
    hosts: [tcp("h")],
    notes: [{
      what: 'The password file "~/.pgpass" is ignored: group or others have access to it',
      cure: "remove that access with chmod 0600",
    }],
  }],
  ["a file that others can write", pgpass("h:*:*:*:1", "host=h", { modes: { ".pgpass": 0o602 } }), {
    hosts: [tcp("h")],
  }],
  ["a folder", { env: { PGPASSFILE: "~" } }, {
    hosts: [tcp("h")],
    notes: [{ what: 'The password file "~" is ignored: not a regular file' }],
  }],
  ["a file that was named is missing", { env: { PGPASSFILE: "~/no" } }, {
    notes: [{ what: 'The password file "~/no" is ignored: there is no such file' }],
  }],
  ["no file", {}, { hosts: [tcp("h")], notes: [] }],
]);

// Certificates.
const ROOT = ".postgresql/root.crt";
const CERT = ".postgresql/postgresql.crt";
const KEY = ".postgresql/postgresql.key";
const tls = (sslmode: string, ...names: string[]): Given => ({
  text: `host=h ${sslmode && `sslmode=${sslmode}`}`,
  files: Object.fromEntries(names.map((name) => [name, "PEM"])),
});
accepts([
  ["no files", tls("require"), { sslmode: "require", sslrootcert: undefined, sslcert: undefined, sslkey: undefined }],
  ["require with the own root is verify-ca", tls("require", ROOT), { sslmode: "verify-ca", sslrootcert: `~/${ROOT}` }],
  ["require with a given root is verify-ca", {
    text: "host=h sslmode=require sslrootcert=~/r",
    files: { r: "PEM" },
  }, { sslmode: "verify-ca", sslrootcert: "~/r" }],
  ["prefer stays, and has the root", tls("", ROOT), { sslmode: "prefer", sslrootcert: `~/${ROOT}` }],
  ["verify-full with the own root", tls("verify-full", ROOT), { sslmode: "verify-full", sslrootcert: `~/${ROOT}` }],
  ["disable needs none", tls("disable", ROOT, CERT), {
    sslmode: "disable",
    sslrootcert: undefined,
    sslcert: undefined,
  }],
  ["sockets need none", { ...tls("verify-full", CERT), text: "host=/a sslmode=verify-full" }, { sslcert: undefined }],
  ["a root that is missing is told of", { text: "host=h sslmode=require", env: { PGSSLROOTCERT: "~/r" } }, {
    sslmode: "require",
    sslrootcert: undefined,
    notes: [{ what: 'The server\'s certificate is not verified: "~/r" (PGSSLROOTCERT) does not exist' }],
  }],
  ["the system's roots instead of the own", {
    ...tls("", ROOT, ".postgresql/root.crl"),
    env: { PGSSLROOTCERT: "system" },
  }, {
    sslmode: "verify-full",
    sslrootcert: "system",
  }],
  ["the own certificate and key", tls("require", CERT, KEY), { sslcert: `~/${CERT}`, sslkey: `~/${KEY}` }],
  ["a key without a certificate is nothing", tls("require", KEY), { sslcert: undefined, sslkey: undefined }],
  ["a given certificate and key", {
    text: "host=h sslcert=~/c",
    env: { PGSSLKEY: "~/k" },
    files: { c: "PEM", k: "PEM" },
  }, { sslcert: "~/c", sslkey: "~/k" }],
  ["sslcertmode=disable sends none", { text: "host=h sslcertmode=disable", files: { [CERT]: "PEM" } }, {
    sslcert: undefined,
  }],
]);
refuses([
  [
    "verify-full without a root",
    tls("verify-full"),
    'Cannot use sslmode for PostgreSQL: the root certificate "~/.postgresql/root.crt" is missing; ' +
    "give the file with sslrootcert or tls-ca, or use sslrootcert=system with sslmode=verify-full",
  ],
  ["a given root is missing", {
    text: "host=h,/a",
    env: { PGSSLMODE: "verify-ca", PGSSLROOTCERT: "~/no" },
  }, /^Cannot use PGSSLROOTCERT for PostgreSQL: the root certificate "~\/no" is missing; give the file/],
  [
    "a revocation list at hand",
    tls("require", ROOT, ".postgresql/root.crl"),
    'Cannot use "~/.postgresql/root.crl" for PostgreSQL: revocation lists cannot be checked; move the file elsewhere',
  ],
  [
    "a certificate without a key",
    tls("", CERT),
    'Cannot use the client certificate "~/.postgresql/postgresql.crt" for PostgreSQL: ' +
    'there is no private key "~/.postgresql/postgresql.key"; name it with sslkey',
  ],
  ["a given certificate is missing", { text: "host=h sslcert=~/no" }, /use sslcert for .*"~\/no" does not exist; corr/],
  [
    "a key that others can read",
    { ...tls("", CERT, KEY), modes: { [KEY]: 0o604 } },
    /group or others have access to its p/,
  ],
  ["a key that group can write", { ...tls("", CERT, KEY), modes: { [KEY]: 0o620 } }, /or to 0640 if root owns it$/],
  [
    "a folder as key",
    { text: "host=h sslkey=~", files: { [CERT]: "PEM" } },
    /its private key "~" is not a regular file/,
  ],
  ["an engine's key", { text: "host=h sslkey=pkcs11:x", files: { [CERT]: "PEM" } }, /use sslkey for .*with a colon/],
]);

Deno.test({
  name: "postgres files: only root's key may be read by its group",
  ignore: isWindows || Deno.uid() !== 0,
  fn() {
    const given = { ...tls("", CERT, KEY), modes: { [KEY]: 0o640 }, text: "host=h sslkey=~/" + KEY };
    inHome(given, (server) => {
      const { sslkey } = server();
      assert.equal(sslkey, `~/${KEY}`);
    });
    const owned = Deno.makeTempFileSync();
    try {
      Deno.chownSync(owned, 12345, 12345);
      Deno.chmodSync(owned, 0o640);
      inHome({ ...given, text: `host=h sslkey=${owned}` }, (server) => {
        assert.throws(server, /group or others have access/);
      });
    } finally {
      Deno.removeSync(owned);
    }
  },
});
