/**
 * The compiled program holds stand-ins for parts of the MySQL driver (scripts/stand_ins.ts). These tests use what lies behind
 * each of them: TLS, compression, and every way to send a password.
 */

import assert from "node:assert/strict";
import { ServerError } from "../backends/fake_server.ts";
import { type FakeLogin, FakeMySql } from "../backends/mysql/fake_server.ts";
import { encryptedPassword, knownPassword } from "../backends/mysql/fake_logins.ts";
import { makeCertificates } from "../servers/certificates.ts";
import { mariaDbUnavailable, startMariaDb } from "../servers/mariadb.ts";
import { mysql56Unavailable, startMySql56 } from "../servers/mysql56.ts";
import type { MySqlServer } from "../servers/mysql_process.ts";
import { linux, testWith } from "./needs.ts";
import { AS_IF_APART, Place } from "./place.ts";

/** MySQL's number of the character set that the driver begins with. */
const UTF8MB4_UNICODE_CI = 224;

/** Runs a command under the server's lock, and checks that a second one finds the lock held. */
async function assertLocks(server: string, flags: readonly string[] = []): Promise<void> {
  await using place = await Place.make(server);
  const { code, stdout, stderr } = await place.sera([
    ...flags,
    "--name",
    "n",
    "0",
    ...AS_IF_APART,
    "sera",
    ...flags,
    "--name",
    "n",
    "0",
    "true",
  ], {
    env: {
      PATH: `${place.path}/bin:${Deno.env.get("PATH")}`,
      SERA_SERVER: undefined,
      SERA_CONFIG: await configOf(place),
    },
  });
  assert.deepEqual({ code, stdout, stderr }, { code: 204, stdout: "", stderr: "" });
}

/** A config file, which the sera in the command reads too; a variable with a password would not reach it. */
function configOf(place: Place): Promise<string> {
  return place.write("sera.json", JSON.stringify({ server: place.server }));
}

testWith([linux ?? mariaDbUnavailable], "the program speaks TLS and compression", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sera-certificates-" });
  try {
    const certificates = await makeCertificates(folder);
    await using server = await startMariaDb({ tls: certificates.good });
    await assertLocks(server.dsn("tls=true"), ["--tls-ca", certificates.ca]);
    for (const parameters of ["tls=skip-verify", "tls=preferred", "compress=true", "tls=skip-verify&compress=true"]) {
      await assertLocks(server.dsn(parameters));
    }
    await using place = await Place.make();
    const { code, stderr } = await place.sera(["--server", server.dsn("tls=true"), "0", "true"]);
    assert.equal(code, 202);
    assert.match(stderr, /^sera: [^\n]*TLS failed: [^\n]*\n$/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

testWith([linux ?? mariaDbUnavailable], "the program takes character sets, attributes and variables", async () => {
  await using server = await startMariaDb();
  for (
    const parameters of [
      "charset=gbk",
      "charset=nonsense,latin1",
      "collation=utf8mb4_bin",
      "connectionAttributes=team:ops",
      "time_zone=%27%2B02%3A00%27&wait_timeout=60",
    ]
  ) await assertLocks(server.dsn(parameters));
});

testWith([linux ?? mysql56Unavailable], "the program sends the hash of before MySQL 4.1 where it may", async () => {
  await using server = await startMySql56({ oldPasswords: true });
  await server.query("CREATE USER 'old'@'127.0.0.1' IDENTIFIED WITH mysql_old_password");
  await server.query("UPDATE mysql.user SET password = OLD_PASSWORD('secret') WHERE user = 'old'");
  await server.query("FLUSH PRIVILEGES");
  await assertLocks(dsnFor(server, "old:secret", "allowOldPasswords=true"));
});

function dsnFor(server: MySqlServer, account: string, parameters: string): string {
  return `${account}@tcp(${server.host}:${server.port})/?${parameters}`;
}

const OTHER_LOGINS: readonly [what: string, FakeLogin][] = [
  ["caching_sha2_password, the default of MySQL 8, where the server knows it from before", knownPassword("secret")],
  ["caching_sha2_password, encrypted with the server's RSA key", encryptedPassword("caching_sha2_password", "secret")],
  ["sha256_password, encrypted with the server's RSA key", encryptedPassword("sha256_password", "secret")],
];

for (const [what, login] of OTHER_LOGINS) {
  Deno.test(`the program sends a password to MySQL 8 without TLS: ${what}`, async () => {
    const charsets: number[] = [];
    const admits: FakeLogin["admits"] = async (client) => {
      charsets.push(client.charset);
      return await login.admits(client);
    };
    using server = new FakeMySql(() => new ServerError(1234, "was let in"), { ...login, admits });
    await using place = await Place.make();
    for (const [dsn, says] of [[server.dsn, "was let in"], [server.dsn.replace("secret", "other"), "Access denied"]]) {
      const { code, stderr } = await place.sera(["--server", dsn!, "0", "true"]);
      assert.deepEqual({ code, says: stderr.includes(says!) }, { code: 202, says: true }, stderr);
    }
    assert.deepEqual(charsets, [UTF8MB4_UNICODE_CI, UTF8MB4_UNICODE_CI]);
  });
}
