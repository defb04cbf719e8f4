/** Login methods, and which of them the DSN permits. */

import assert from "node:assert/strict";
import { mountNamespace, type Need, testWith } from "../../cli/needs.ts";
import { mariaDbUnavailable, startMariaDb } from "../../servers/mariadb.ts";
import { mysql56Unavailable, startMySql56 } from "../../servers/mysql56.ts";
import type { MySqlServer } from "../../servers/mysql_process.ts";
import { isFile } from "../../servers/tool.ts";
import { assertUnavailable } from "./ask.ts";
import { freshName, hold, open } from "../open.ts";
import { sharedMariaDb, sharedMySql56, SharedServer } from "../shared_server.ts";

async function assertHeld(dsn: string): Promise<void> {
  await using backend = await open(dsn, freshName());
  await (await hold(backend)).release();
}

/** A DSN for another account than the plain one. */
function dsnOf(server: MySqlServer, account: string, params = ""): string {
  return `${account}@tcp(127.0.0.1:${server.port})/?${params}`;
}

for (const shared of [sharedMariaDb(), sharedMySql56()]) {
  shared.test("passwords may hold separators and any letters, and may be empty", async (server) => {
    for (const [user, password] of [["odd", "p@ss:w/o%41(r)d?&#"], ["wide", "pässwörd 密码"], ["empty", ""]] as const) {
      await server.query(`CREATE USER '${user}'@'127.0.0.1' IDENTIFIED BY '${password}'`);
      await assertHeld(dsnOf(server, `${user}:${password}`));
      await assertUnavailable(dsnOf(server, `${user}:${password}x`), /Access denied/);
    }
    await assertHeld(dsnOf(server, "empty"));
  });

  shared.test("allowNativePasswords decides about the native hash", async (server) => {
    await assertHeld(server.dsn("allowNativePasswords=true"));
    await assertUnavailable(
      server.dsn("allowNativePasswords=false"),
      /mysql_native_password, which allowNativePasswords=false in the DSN forbids$/,
    );
  });
}

const sha256 = new SharedServer("MySQL 5.6 that prefers SHA-256", mysql56Unavailable, async () => {
  const server = await startMySql56({ extraArgs: ["--default-authentication-plugin=sha256_password"] });
  await server.query("CREATE USER 'native'@'127.0.0.1' IDENTIFIED WITH mysql_native_password");
  await server.query(
    "UPDATE mysql.user SET password = '*14E65567ABDB5135D0CFD9A70B3032C179A49EE7' WHERE user = 'native'",
  );
  await server.query("FLUSH PRIVILEGES");
  return server;
});

sha256.test("allowNativePasswords decides about a native account too", async (server) => {
  await assertHeld(dsnOf(server, "native:secret"));
  await assertUnavailable(
    dsnOf(server, "native:secret", "allowNativePasswords=false"),
    /mysql_native_password, which allowNativePasswords=false in the DSN forbids$/,
  );
});

const OLD_ACCOUNTS = [["old", "secret"], ["spaced", "sec\tret word"], ["long", "ö".repeat(40)], ["none", ""]] as const;

/** This one asks for the old hash by its name. */
const oldMySql = new SharedServer("MySQL 5.6 with old hashes", mysql56Unavailable, async () => {
  const server = await startMySql56({ oldPasswords: true });
  for (const [user, password] of OLD_ACCOUNTS) {
    await server.query(`CREATE USER '${user}'@'127.0.0.1' IDENTIFIED WITH mysql_old_password`);
    await server.query(`UPDATE mysql.user SET password = OLD_PASSWORD('${password}') WHERE user = '${user}'`);
  }
  await server.query("FLUSH PRIVILEGES");
  return server;
});

/** This one asks for it with one byte, as servers did before authentication had names. */
const oldMariaDb = new SharedServer("MariaDB with old hashes", mariaDbUnavailable, async () => {
  const server = await startMariaDb({ extraArgs: ["--secure-auth=0"] });
  for (const [user, password] of OLD_ACCOUNTS) {
    const [row] = await server.query(`SELECT OLD_PASSWORD('${password}') AS hash`);
    await server.query(
      `CREATE USER '${user}'@'127.0.0.1' IDENTIFIED VIA mysql_old_password USING '${row!.hash ?? ""}'`,
    );
  }
  return server;
});

for (const shared of [oldMySql, oldMariaDb]) {
  shared.test("allowOldPasswords decides about the hash of before 4.1", async (server) => {
    await assertHeld(dsnOf(server, "old:secret", "allowOldPasswords=true"));
    for (const params of ["", "allowOldPasswords=false", "allowCleartextPasswords=true"]) {
      await assertUnavailable(
        dsnOf(server, "old:secret", params),
        /hash of MySQL versions before 4\.1; set .+allowOldPasswords=true$/,
      );
    }
  });

  shared.test("the hash of before 4.1 is computed for any password, and anew each time", async (server) => {
    for (const [user, password] of OLD_ACCOUNTS) {
      // The server sends another scramble each time.
      for (let times = 0; times < 5; times++) {
        await assertHeld(dsnOf(server, `${user}:${password}`, "allowOldPasswords=true"));
      }
      await assertUnavailable(dsnOf(server, `${user}:${password}x`, "allowOldPasswords=true"), /Access denied/);
    }
  });
}

const pam: Need = mountNamespace ?? mariaDbUnavailable ??
  (isFile("/usr/lib/mysql/plugin/auth_pam_v1.so") ? undefined : "MariaDB's PAM plugin is not installed");

testWith([pam], "MariaDB with PAM: allowCleartextPasswords decides about passwords in clear text", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sera-pam-" });
  try {
    const check = `${folder}/check`;
    await Deno.writeTextFile(check, `[ "$PAM_USER" = clear ] && [ "$(tr -d '\\000')" = 'secret' ]\n`);
    await Deno.mkdir(`${folder}/pam.d`);
    await Deno.writeTextFile(
      `${folder}/pam.d/sera-tests`,
      `auth required pam_exec.so expose_authtok quiet /bin/sh ${check}\naccount required pam_permit.so\n`,
    );
    await using server = await startMariaDb({
      extraArgs: ["--plugin-load-add=auth_pam_v1.so", "--pam-use-cleartext-plugin"],
      // Only this server sees these rules.
      launcher: ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/pam.d && exec "$@"', `${folder}/pam.d`],
    });
    await server.query("CREATE USER 'clear'@'127.0.0.1' IDENTIFIED VIA pam USING 'sera-tests'");
    await assertHeld(dsnOf(server, "clear:secret", "allowCleartextPasswords=true"));
    await assertUnavailable(dsnOf(server, "clear:nosecret", "allowCleartextPasswords=true"), /Access denied/);
    for (const params of ["", "allowCleartextPasswords=false", "allowNativePasswords=true"]) {
      await assertUnavailable(
        dsnOf(server, "clear:secret", params),
        /in clear text; .+add allowCleartextPasswords=true/,
      );
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the native hash used above is that of the password", async () => {
  const { createHash } = await import("node:crypto");
  const sha1 = (data: string | Uint8Array) => createHash("sha1").update(data).digest();
  assert.equal(`*${sha1(sha1("secret")).toString("hex").toUpperCase()}`, "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7");
});
