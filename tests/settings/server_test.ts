import assert from "node:assert/strict";
import { holdsPassword } from "../../lib/settings/holds_password.ts";
import { parseServer } from "../../lib/settings/server.ts";
import { FileBackend } from "../../lib/backends/file/backend.ts";
import { ConfigError } from "../../lib/errors.ts";
import { parseMySql, parsePostgres } from "../backends/parse.ts";

const isWindows = Deno.build.os === "windows";

const FOLDERS: [string, string | undefined][] = isWindows
  ? [["file:", undefined], ["file:C:\\locks", "C:\\locks"], ["file:C:/locks", "C:/locks"]]
  : [
    ["file:", undefined],
    ["file:/var/lib/sera", "/var/lib/sera"],
    ["file:/var/lib/sera/", "/var/lib/sera"],
    ["file:///var/lib/sera", "/var/lib/sera"],
    ["file:/with space/and@sign", "/with space/and@sign"],
    ["file:/", "/"],
  ];

for (const [text, folder] of FOLDERS) {
  Deno.test(`server ${text}`, async () => {
    assert.deepEqual(await parseServer(text, "the test", { env: () => undefined }), new FileBackend(folder));
  });
}

for (const text of ["file:locks", "file:./locks", "file:~/locks", "file://host/locks"]) {
  Deno.test(`server refused: ${text}`, async () => {
    await assert.rejects(parseServer(text, "/etc/sera.json", { env: () => undefined }), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(
        error.message,
        /^Cannot use the server in \/etc\/sera\.json: file: takes an absolute path, such as /,
      );
      return true;
    });
  });
}

Deno.test("a MySQL DSN is recognized", async () => {
  const server = await parseMySql("sera:secret@tcp(db.example.org:3307)/?timeout=500ms");
  assert.deepEqual(server.addresses, [{ transport: "tcp", host: "db.example.org", port: 3307 }]);
  assert.equal(server.password, "secret");
});

Deno.test("an unknown server setting is reported with its source, without a password", async () => {
  for (
    const text of [
      "sera:secret@tcp(h:1)",
      "sera:secret@tcp(h:1/",
      "sera:secret@tcp(h:1)/?timeout=5",
      "x:secret@ftp(h)/",
    ]
  ) {
    await assert.rejects(parseServer(text, "SERA_SERVER", { env: () => undefined }), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /^Cannot use the server in SERA_SERVER: [^\n]+$/);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  }
});

Deno.test("PostgreSQL is recognized by scheme or keyword, and completed by variables", async () => {
  const env = { PGUSER: "sera", PGPASSWORD: "secret", HOME: "/nowhere" };
  for (
    const text of [
      "postgres://db.example.org/jobs",
      "POSTGRESQL://db.example.org/jobs",
      "host=db.example.org dbname=jobs",
    ]
  ) {
    const server = await parsePostgres(text, env);
    assert.deepEqual(server.hosts.map(({ address }) => address), [{
      transport: "tcp",
      host: "db.example.org",
      port: 5432,
    }]);
    assert.deepEqual([server.user, server.hosts[0]!.password, server.database], ["sera", "secret", "jobs"]);
  }
});

Deno.test("tls-ca becomes PostgreSQL's root certificate, and wins over the variable", async () => {
  const tlsCa = await Deno.makeTempFile({ prefix: "sera-" });
  const env = { PGSSLROOTCERT: "/from/the/environment" };
  const parse = (query: string) => parsePostgres(`postgres://u:secret@h/d?${query}`, env, tlsCa);
  try {
    const server = await parse("sslmode=verify-full");
    assert.equal(server.sslrootcert, tlsCa);
    await assert.rejects(parse("sslmode=verify-full&sslrootcert=/other"), /sslrootcert .*: tls-ca names a CA as well/);
  } finally {
    await Deno.remove(tlsCa);
  }
  await assert.rejects(parse("sslmode=require"), /: cannot use tls-ca .*: there is no file "[^"]+"; correct the path$/);
});

Deno.test("an unusable PostgreSQL setting is reported with its source, without a password", async () => {
  for (
    const text of [
      "postgres://sera:secret@host:port/db",
      "host=h password=secret nonsense=1",
      "postgres://u:sec@ret@h/d",
    ]
  ) {
    await assert.rejects(parseServer(text, "SERA_SERVER", { env: () => undefined }), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /^Cannot use the server in SERA_SERVER: [^\n]+$/);
      assert.doesNotMatch(error.message, /secret|ret@/);
      return true;
    });
  }
});

Deno.test("an unknown scheme is reported as such", async () => {
  for (const text of ["postgress://u:secret@h/d", "postgres:/h/d", "pg://h/d", "jdbc:postgresql://h/d", "http://h/"]) {
    await assert.rejects(parseServer(text, "SERA_SERVER", { env: () => undefined }), {
      message:
        "Cannot use the server in SERA_SERVER: no kind of server has this scheme; write postgres://, mysql://, etcd://, file:, " +
        "or user:password@tcp(host)/",
    });
  }
});

Deno.test("a line end after a server setting is ignored", async () => {
  const env = () => undefined;
  const server = await parsePostgres("postgres://sera@h/jobs\r\n");
  assert.equal(server.database, "jobs");
  assert.deepEqual(await parseServer("file:\n", "the test", { env }), new FileBackend());
});

const PASSWORDS: [string, boolean][] = [
  ["sera:secret@tcp(h)/", true],
  ["sera:@tcp(h)/", true],
  [":secret@tcp(h)/", true],
  ["u:secret", true],
  ["secret", true],
  ["u/secret@h/d", true],
  ["u@secret@tcp(h)/", true],
  ["u@tcp(h)/d?password=secret", true],
  ["u@tcp(h)/d?connectionAttributes=a:secret", true],
  ["mysql://u:secret@h/d", true],
  ["mysql://u%3Asecret@h/d", true],
  ["mysql://u@h/?pwd=secret", true],
  ["postgres://sera:secret@h/d", true],
  [" postgres://sera:secret@h/d", true],
  ["postgres://sera@h/d?password=secret", true],
  ["postgres://sera@h/d?p%61ssword=secret", true],
  ["postgres://sera@h/d?%70assword=secret", true],
  ["postgres://sera@h/d?sslmode=require&sslpassword=secret", true],
  ["postgres://sera@h/d?oauth_client_secret=secret", true],
  ["postgres://sera@h/d?options=-c%20a.b%3Dsecret", true],
  ["host=h password = secret", true],
  ["host=h\tpassword\n=\n'my secret'", true],
  ["PASSWORD = x", true],
  ["host=h PassWord=x", true],
  ["host=h secret", true],
  ["host=h scram_client_key=secret", true],
  ["host=h options='-c a.b=secret'", true],
  ["file:u:secret@tcp(h)/", true],
  ["sera@tcp(h)/", false],
  ["sera@tcp(db.example.com:3306)/d?timeout=5s&tls=true", false],
  ["sera@tcp([::1]:3306)/", false],
  ["sera@tcp(h1:3306,h2,[::1]:3307)/d?tls=true", false],
  ["sera:secret@tcp(h1,h2)/", true],
  ["sera@tcp(h1,sera:secret@h2)/", true],
  ["mysql://sera@h1:3306,h2/d", false],
  ["mysql://sera:secret@h1,h2/d", true],
  ["mysql://sera@h1,sera:secret@h2/d", true],
  ["sera@unix(/run/mysqld/mysqld.sock)/", false],
  ["tcp(h)/", false],
  ["/", false],
  ["mysql://sera@h/d", false],
  ["postgres://", false],
  ["postgres://sera@h:5432/d", false],
  ["postgres://sera@h:5432,i/d?sslmode=verify-full&sslrootcert=/etc/ca.pem", false],
  ["postgresql://%2Fvar%2Frun%2Fpostgresql/d", false],
  ["postgres://sera@h/d?passfile=/etc/sera.pgpass", false],
  ["host=h user=sera", false],
  ["host = /run/postgresql dbname='my jobs'\n", false],
  ["service=sera", false],
  ["etcd://sera@h/", false],
  ["etcd://h", false],
  ["ETCDS://h1:2379,h2,[::1]:2379/jobs/sera?cert=/etc/sera/cert.pem&key=/etc/sera/key.pem", false],
  ["etcd://sera:secret@h/", true],
  ["etcds://sera:secret@h1,h2:2379/jobs", true],
  ["etcd://sera:sec/ret@h/", true],
  ["etcd://sera:1?cert=secret@h/", true],
  ["etcd://h/?password=secret", true],
  ["etcd://sera%3Asecret@h/", true],
  ["file:", false],
  ["file:/a:b@c", false],
  ["", false],
];

for (const [text, expected] of PASSWORDS) {
  Deno.test(`${expected ? "a" : "no"} password may be in the server ${JSON.stringify(text)}`, () => {
    assert.equal(holdsPassword(text), expected);
  });
}
