import assert from "node:assert/strict";
import type mysql from "mysql2/promise";
import { makeCertificates, type ServerCertificate } from "./certificates.ts";
import { mariaDbUnavailable, startMariaDb } from "./mariadb.ts";
import { mysql56Unavailable, startMySql56 } from "./mysql56.ts";
import { connectMySql } from "./mysql_client.ts";
import type { MySqlServer } from "./mysql_process.ts";
import { exists, isRunning, startAbandoned, until } from "./observe.ts";
import { isStill } from "./process_tree.ts";
import { runTool } from "./tool.ts";

const noMariaDb = mariaDbUnavailable !== undefined;
const noMySql56 = mysql56Unavailable !== undefined;

Deno.test({ name: "MariaDB answers over TCP, IPv6 and its socket", ignore: noMariaDb }, async () => {
  await using server = await startMariaDb();
  assert.match(server.version, /MariaDB/);
  assert.equal(server.dsn(), `sera:secret@tcp(127.0.0.1:${server.port})/?timeout=5s`);
  await takesLocks(server);
});

Deno.test({ name: "MySQL 5.6 answers over TCP and its socket", ignore: noMySql56 }, async () => {
  await using server = await startMySql56();
  assert.equal(server.version, "5.6.24");
  await takesLocks(server);
});

Deno.test({ name: "MySQL 5.6 has accounts with old hashes if asked to", ignore: noMySql56 }, async () => {
  await using server = await startMySql56({ oldPasswords: true });
  await server.query("CREATE USER 'old'@'127.0.0.1' IDENTIFIED WITH mysql_old_password");
  await server.query("UPDATE mysql.user SET password = OLD_PASSWORD('secret') WHERE user = 'old'");
  await server.query("FLUSH PRIVILEGES");
  const [account] = await server.query("SELECT LENGTH(password) AS length FROM mysql.user WHERE user = 'old'");
  assert.equal(account?.length, 16);
  assert.equal((await server.query("SELECT @@secure_auth AS secure"))[0]?.secure, 0);
});

Deno.test({ name: "arguments reach the server", ignore: noMariaDb }, async () => {
  await using server = await startMariaDb({ extraArgs: ["--wait-timeout=77"] });
  assert.equal((await server.query("SELECT @@global.wait_timeout AS seconds"))[0]?.seconds, 77);
  assert.equal((await server.query("SELECT @@performance_schema AS schema_on"))[0]?.schema_on, 1);
});

Deno.test({ name: "a server that cannot start shows its log", ignore: noMariaDb }, async () => {
  await assert.rejects(
    startMariaDb({ extraArgs: ["--no-such-setting"] }),
    /mariadb did not start: its process ended[^]*unknown option '--no-such-setting'/,
  );
});

Deno.test(
  { name: "a server whose port was taken starts on another one, with fresh data", ignore: noMariaDb },
  async () => {
    // It listens late, as a Galera node does, and says much more before it ends.
    const script = `for word; do case $word in --datadir=*) data=\${word#*=};; esac; done
    grep -q fresh "$data/note" || exit 1
    if [ ! -e "$data/../tried" ]; then
      touch "$data/../tried"; echo stale > "$data/note"
      echo "bind: Address already in use"; seq 50; exit 1
    fi
    exec "$@"`;
    await using server = await startMariaDb({ dataFiles: { note: "fresh\n" }, launcher: ["sh", "-c", script, "sh"] });
    assert.equal(await Deno.readTextFile(`${server.folder}/data/note`), "fresh\n");
    assert.ok(exists(`${server.folder}/tried`));
  },
);

Deno.test({ name: "a server's own host alone may use the plain user", ignore: noMariaDb }, async () => {
  await using server = await startMariaDb();
  const accounts = await server.query(
    "SELECT CONCAT(user, '@', host) AS name FROM mysql.user WHERE user <> 'mariadb.sys' ORDER BY 1",
  );
  assert.deepEqual(accounts.map(({ name }) => name), [
    "root@localhost",
    "sera@127.0.0.1",
    "sera@::1",
    "sera@localhost",
  ]);
});

for (
  const [kind, start, ignore] of [["MariaDB", startMariaDb, noMariaDb], ["MySQL 5.6", startMySql56, noMySql56]] as const
) {
  Deno.test({ name: `${kind} can be paused, killed and restarted, and stop leaves nothing`, ignore }, async () => {
    const server = await start();
    try {
      await server.pause();
      assert.ok(await isStill(server.pid));
      const answer = server.query("SELECT 1 AS one");
      server.resume();
      assert.deepEqual((await answer).map((row) => row.one), [1]);

      await server.query("CREATE TABLE sera.kept (id INT)");
      const port = server.port;
      await server.restart();
      assert.equal(server.port, port);
      assert.equal((await server.query("SELECT COUNT(*) AS rows_kept FROM sera.kept"))[0]?.rows_kept, 0);

      await server.kill();
      assert.equal(isRunning(server.pid), false);
      await assert.rejects(server.query("SELECT 1"));
      await server.restart();
      await takesLocks(server);
    } finally {
      await server.stop();
    }
    assert.equal(isRunning(server.pid), false);
    await assert.rejects(Deno.stat(server.folder), Deno.errors.NotFound);
    await server.stop();
  });
}

Deno.test({ name: "certificates are accepted or refused as they should be", ignore: noMariaDb }, async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "sera-certificates-" });
  try {
    const { good, expired, otherName, untrusted, ca } = await makeCertificates(folder);
    const cases: [string, ServerCertificate, RegExp | undefined][] = [
      ["good", good, undefined],
      ["expired", expired, /certificate has expired/],
      ["for another name", otherName, /IP address mismatch/],
      ["from an authority that is not trusted", untrusted, /unable to get local issuer certificate/],
    ];
    for (const [name, tls, refusal] of cases) {
      await t.step(name, async () => {
        // OpenSSL says what exactly is wrong; Deno's node:tls words it differently in each version, if at all.
        const verified = runTool("openssl", ["verify", "-verify_ip", "127.0.0.1", "-CAfile", ca, tls.cert]);
        if (refusal) await assert.rejects(verified, refusal);
        else await verified;

        await using server = await startMariaDb({ tls });
        const cipher = tlsCipher(server, await Deno.readTextFile(ca));
        if (refusal) await assert.rejects(cipher);
        else assert.match(await cipher, /^TLS_|ECDHE/);
      });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({ name: "a killed test process leaves no server behind", ignore: noMariaDb }, async () => {
  const { pid, folder, kill } = await startAbandoned("mariadb");
  assert.equal(isRunning(pid), true);
  await kill();
  await until(() => !isRunning(pid), `server ${pid} has ended`);
  await until(() => !exists(folder), `folder ${folder} has gone`);
});

/** GET_LOCK excludes over every way into the server. */
async function takesLocks(server: MySqlServer) {
  const { host, port, user, password, socket: socketPath } = server;
  const ways = [{ host, port }, { socketPath }, ...server.ipv6 ? [{ host: "::1", port }] : []];
  for (const way of ways) {
    const holder = await connectMySql({ ...way, user, password });
    const other = await connectMySql({ host, port, user, password });
    try {
      assert.equal(await firstValue(holder, "SELECT GET_LOCK('test', 0)"), 1);
      assert.equal(await firstValue(other, "SELECT GET_LOCK('test', 0)"), 0);
      assert.equal(await firstValue(holder, "SELECT RELEASE_LOCK('test')"), 1);
    } finally {
      await Promise.all([holder.end(), other.end()]);
    }
  }
}

/** The cipher of a verified TLS connection. */
async function tlsCipher({ host, port, user, password }: MySqlServer, ca: string): Promise<string> {
  const connection = await connectMySql({
    host,
    port,
    user,
    password,
    ssl: { ca, rejectUnauthorized: true, verifyIdentity: true },
  });
  try {
    const [rows] = await connection.query("SHOW STATUS LIKE 'Ssl_cipher'");
    return (rows as { Value: string }[])[0]?.Value ?? "";
  } finally {
    await connection.end();
  }
}

async function firstValue(connection: mysql.Connection, sql: string): Promise<unknown> {
  const [rows] = await connection.query({ sql, rowsAsArray: true });
  return (rows as unknown[][])[0]?.[0];
}
