/**
 * The compiled program holds stand-ins for parts of the PostgreSQL driver (scripts/bundle.ts), and may read few
 * variables (scripts/permissions.ts). These tests use what lies behind each of them: every way to log in, TLS, sockets,
 * errors, and libpq's files.
 */

import assert from "node:assert/strict";
import { type Certificates, makeCertificates } from "../servers/certificates.ts";
import { pgBouncerUnavailable, startPgBouncer } from "../servers/pgbouncer.ts";
import { postgres18Unavailable, startPostgres18 } from "../servers/postgres18.ts";
import type { PostgresServer } from "../servers/postgres_process.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../servers/postgres_system.ts";
import { linux, testWith } from "./needs.ts";
import { AS_IF_APART, Place } from "./place.ts";

type Environment = Record<string, string | undefined>;

const need = linux ?? systemPostgresUnavailable;

/** The way in differs from version to version; the rest does not. */
const KINDS = [
  ["PostgreSQL", need, startSystemPostgres],
  ["PostgreSQL 18", linux ?? postgres18Unavailable, startPostgres18],
] as const;

/** Runs a command under the server's lock, and checks that a second one finds the lock held. */
async function assertLocks(place: Place, server: string, env: Environment = {}): Promise<void> {
  // The sera in the command reads the file too; a variable with a password would not reach it.
  const config = await place.write("sera.json", JSON.stringify({ server }));
  const taken = ["--config", config, "--name", "n", "0"];
  const ended = await place.run(["sera", ...taken, ...AS_IF_APART, "sera", ...taken, "true"], {
    env: { SERA_SERVER: undefined, ...env },
  });
  assert.deepEqual(ended, { code: 204, stdout: "", stderr: "" }, server);
}

/** Runs sera, which cannot lock: 202 in one line without the password. */
async function assertRefused(place: Place, server: string, says: RegExp, env: Environment = {}): Promise<void> {
  const { code, stdout, stderr } = await place.sera(["--server", server, "0", "echo", "ran"], { env });
  assert.deepEqual({ code, stdout }, { code: 202, stdout: "" }, stderr);
  assert.match(stderr, /^sera: Cannot lock on PostgreSQL at [^\n]+\n$/);
  assert.match(stderr, says);
  assert.doesNotMatch(stderr, /secret|wrong|Unexpected error/);
}

/** A URL for another account. */
function urlFor({ host, port, database }: PostgresServer, account: string, params = ""): string {
  return `postgres://${account}@${host}:${port}/${database}?${params}`;
}

async function withCertificates(use: (certificates: Certificates) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "sera-certificates-" });
  try {
    await use(await makeCertificates(folder));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const [kind, need, start] of KINDS) {
  testWith([need], `the program sends passwords to ${kind} in all its ways`, async () => {
    await using server = await start({
      hba: ["host all hashed 127.0.0.1/32 md5", "host all clear 127.0.0.1/32 password"],
    });
    await using place = await Place.make();
    // Long, with all that SCRAM's rules for text and md5's for bytes could stumble over.
    const password = "Grüße, 100% & 日本 \\'\"/@:?# ".repeat(4);
    const quoted = password.replaceAll("'", "''");
    await server.query(`SET password_encryption = 'scram-sha-256';
      CREATE ROLE scrambled LOGIN PASSWORD '${quoted}'; CREATE ROLE clear LOGIN PASSWORD '${quoted}';
      SET password_encryption = 'md5'; CREATE ROLE hashed LOGIN PASSWORD '${quoted}'`);
    for (const user of ["scrambled", "hashed", "clear"]) {
      await assertLocks(place, urlFor(server, `${user}:${encodeURIComponent(password)}`));
      await assertRefused(place, urlFor(server, `${user}:wrong`), /password authentication failed.*; check user and/);
      await assertRefused(place, urlFor(server, user), /asks for a password, and there is none; put it into/);
    }
  });

  testWith([need], `the program speaks TLS with ${kind}`, async () => {
    await withCertificates(async ({ ca, good, untrusted, otherName, expired }) => {
      await using server = await start({ tls: good, hba: ["hostnossl all all all reject"] });
      await using place = await Place.make();
      const trusting = `sslrootcert=${ca}`;
      for (const sslmode of ["allow", "prefer", "require", `verify-ca&${trusting}`, `verify-full&${trusting}`]) {
        await assertLocks(place, server.url(`sslmode=${sslmode}`));
      }
      if (kind === "PostgreSQL 18") await assertLocks(place, server.url("sslmode=require&sslnegotiation=direct"));
      await assertLocks(place, server.url(), { PGSSLMODE: "verify-full", PGSSLROOTCERT: ca });
      await assertLocks(place, server.url("sslmode=verify-full"), { SERA_TLS_CA: ca });
      await assertRefused(place, server.url("sslmode=disable"), /pg_hba\.conf/);
      await assertRefused(place, server.url("sslmode=verify-full&sslrootcert=system"), /TLS failed: /);
      const checked = server.url(`sslmode=verify-full&${trusting}`);
      for (const tls of [untrusted, otherName, expired]) {
        await server.reload({ tls });
        await assertRefused(place, checked, /TLS failed: .*; (name the CA that|connect by a name that|renew it on)/);
        await assertLocks(place, server.url("sslmode=require"));
      }
      // Only who it is for is wrong with this one.
      await server.reload({ tls: otherName });
      await assertLocks(place, server.url(`sslmode=verify-ca&${trusting}`));
    });
  });
}

testWith([need], "the program shows the server a client certificate", async () => {
  await withCertificates(async ({ ca, good, client, otherClient }) => {
    await using server = await startSystemPostgres({
      tls: { ...good, ca },
      hba: ["hostssl all sera 127.0.0.1/32 cert"],
    });
    await using place = await Place.make();
    const shows = ({ cert, key }: typeof client) => `sslmode=require&sslcert=${cert}&sslkey=${key}`;
    await assertLocks(place, urlFor(server, "sera", shows(client)));
    await assertLocks(place, urlFor(server, "sera", `sslrootcert=${ca}`), {
      PGSSLMODE: "verify-full",
      PGSSLCERT: client.cert,
      PGSSLKEY: client.key,
    });
    await assertRefused(place, urlFor(server, "sera", "sslmode=require"), /certificate/);
    await assertRefused(
      place,
      urlFor(server, "sera", shows(otherClient)),
      /UnknownCA|TLS failed|closed the connection/,
    );

    // libpq's files in the home folder need no setting.
    await Deno.mkdir(place.file(".postgresql"));
    await Deno.copyFile(client.cert, place.file(".postgresql/postgresql.crt"));
    await Deno.copyFile(client.key, place.file(".postgresql/postgresql.key"));
    await Deno.chmod(place.file(".postgresql/postgresql.key"), 0o600);
    await Deno.copyFile(ca, place.file(".postgresql/root.crt"));
    await assertLocks(place, urlFor(server, "sera", "sslmode=verify-full"));
  });
});

testWith([need], "the program reaches the server over a Unix socket", async () => {
  await using server = await startSystemPostgres();
  await using place = await Place.make();
  const { socketFolder, port, user, password, database } = server;
  const folder = encodeURIComponent(socketFolder);
  await assertLocks(place, `postgres://${user}:${password}@${folder}:${port}/${database}`);
  await assertLocks(place, `postgres:///${database}?host=${folder}&port=${port}`, {
    PGUSER: user,
    PGPASSWORD: password,
  });
  await assertLocks(place, `dbname=${database}`, {
    PGHOST: socketFolder,
    PGPORT: `${port}`,
    PGUSER: user,
    PGPASSWORD: password,
  });
  await assertRefused(place, `postgres://u:wrong@${folder}:1/x`, /unix\(.*\.s\.PGSQL\.1\)/);
});

testWith(
  [need],
  "the program tells of the server's errors, and of their cures",
  async () => {
    await using server = await startSystemPostgres();
    await using place = await Place.make();
    await server.query(`CREATE ROLE nologin NOLOGIN PASSWORD 'secret'; CREATE ROLE crowded LOGIN PASSWORD 'secret'
      CONNECTION LIMIT 0`);
    await server.query("CREATE DATABASE closed");
    await server.query("REVOKE CONNECT ON DATABASE closed FROM PUBLIC");
    const closed = server.url().replace(/sera$/, "closed");
    const missing = server.url().replace(/sera$/, "missing");
    await assertRefused(place, urlFor(server, "nologin:secret"), /not permitted to log in; check the role/);
    await assertRefused(place, urlFor(server, "crowded:secret"), /too many connections.*; raise max_connections/);
    await assertRefused(place, closed, /permission denied for database.*; grant the role CONNECT/);
    await assertRefused(place, missing, /"missing" does not exist; create the database/);
  },
);

testWith([need], "the program reads libpq's password file and service file", async () => {
  await using server = await startSystemPostgres();
  await using place = await Place.make();
  const { host, port, user, password, database } = server;
  const line = `${host}:${port}:${database}:${user}:${password}\n`;
  const passwords = await place.write(".pgpass", line);
  await Deno.chmod(passwords, 0o600);
  await assertLocks(place, urlFor(server, user));
  await Deno.rename(passwords, place.file("passwords"));
  await assertRefused(
    place,
    urlFor(server, user),
    /there is none; put it into the server setting or the password file/,
  );
  await assertLocks(place, urlFor(server, user), { PGPASSFILE: place.file("passwords") });
  await assertLocks(place, urlFor(server, user, `passfile=${place.file("passwords")}`));

  const service = `[mine]\nhost=${host}\nport=${port}\nuser=${user}\npassword=${password}\ndbname=${database}\n`;
  const services = await place.write(".pg_service.conf", service);
  await assertLocks(place, "service=mine");
  await assertLocks(place, "postgres://", { PGSERVICE: "mine" });
  await Deno.rename(services, place.file("pg_service.conf"));
  await assertLocks(place, "postgres://?service=mine", { PGSERVICEFILE: place.file("pg_service.conf") });
  await assertLocks(place, "postgres://?service=mine", { PGSYSCONFDIR: place.path });
});

testWith(
  [need, pgBouncerUnavailable],
  "the program locks through a pooler that keeps sessions, and refuses one that does not",
  async () => {
    await using server = await startSystemPostgres();
    await using place = await Place.make();
    {
      await using pooler = await startPgBouncer(server, "session");
      await assertLocks(place, pooler.url());
    }
    await using pooler = await startPgBouncer(server, "transaction");
    await assertRefused(place, pooler.url(), /pooler/);
  },
);
