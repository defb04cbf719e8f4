/** A certificate whose time runs out while a lock is held. */
// Starts early: a certificate has to expire in it.

import assert from "node:assert/strict";
import { LockUnavailableError } from "../../../lib/errors.ts";
import { until } from "../../cli/wait.ts";
import { makeBriefCertificate, makeCertificates, type ServerCertificate } from "../../servers/certificates.ts";
import { mariaDbUnavailable, startMariaDb } from "../../servers/mariadb.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../../servers/postgres_system.ts";
import { Together } from "../../side_by_side.ts";
import { failure, freshName, hold, open, renewals } from "../open.ts";

/**
 * How long the certificate is good after it was made, in milliseconds: time to start a server and to take a lock. Where
 * that is too short another one is good for longer.
 */
const LIFETIME = 4000;

/** Short enough to wait for two renewals, and so long that no answer is too late on a busy machine. */
const LEASE = { ttl: 20_000, grace: 0 };

interface Served extends AsyncDisposable {
  readonly url: string;
}

const SERVERS: readonly [string, string | undefined, (tls: ServerCertificate) => Promise<Served>][] = [
  ["MariaDB", mariaDbUnavailable, async (tls) => {
    const server = await startMariaDb({ tls });
    return { url: server.dsn("tls=true"), [Symbol.asyncDispose]: () => server.stop() };
  }],
  ["PostgreSQL", systemPostgresUnavailable, async (tls) => {
    const server = await startSystemPostgres({ tls });
    return { url: server.url("sslmode=verify-full"), [Symbol.asyncDispose]: () => server.stop() };
  }],
];

const together = new Together();

for (const [name, need, serve] of SERVERS) {
  const what = "a certificate that expires takes no held lock away, and lets nobody new in";
  if (need !== undefined) {
    console.log(`left out: ${name}: ${what}: ${need}`);
    continue;
  }
  together.test(name, what, async () => {
    const folder = await Deno.makeTempDir({ prefix: "sera-certificates-" });
    try {
      await makeCertificates(folder);
      for (let lifetime = LIFETIME; !await outlives(folder, serve, lifetime);) lifetime *= 4;
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/** Holds a lock for longer than the certificate is good. Gives false when that was so before the lock was held. */
async function outlives(
  folder: string,
  serve: (tls: ServerCertificate) => Promise<Served>,
  lifetime: number,
): Promise<boolean> {
  const end = Date.now() + lifetime;
  const tls = await makeBriefCertificate(folder, end);
  await using server = await serve(tls);
  await using backend = await open(server.url, freshName(), tls.ca, { lease: LEASE });
  const lock = await hold(backend).catch((error) => {
    if (Date.now() < end) throw error;
  });
  if (!lock) return false;
  await until("the certificate has expired", () => Date.now() > end);
  await renewals(lock, 2);
  const error = await failure(server.url, tls.ca);
  assert.ok(error instanceof LockUnavailableError);
  assert.match(
    error.message,
    /: TLS failed: the server's certificate, or one that signed it, has expired \(\d{4}-\d\d-\d\d\); [^\n]+$/,
  );
  assert.equal(lock.lost.aborted, false);
  await lock.confirm();
  await lock.release();
  return true;
}
