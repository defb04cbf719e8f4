/** A certificate whose time runs out while a lock is held. */

import assert from "node:assert/strict";
import { LockUnavailableError } from "../../../lib/errors.ts";
import { until } from "../../cli/wait.ts";
import { makeBriefCertificate, makeCertificates, type ServerCertificate } from "../../servers/certificates.ts";
import { mariaDbUnavailable, startMariaDb } from "../../servers/mariadb.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../../servers/postgres_system.ts";
import { testWith } from "../../cli/needs.ts";
import { failure, freshName, hold, open } from "../open.ts";

/** How long the certificate is good after it was made, in milliseconds: time to start a server and to take a lock. */
const LIFETIME = 6000;

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

for (const [name, need, serve] of SERVERS) {
  testWith([need], `${name}: a certificate that expires takes no held lock away, and lets nobody new in`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "sera-brief-" });
    try {
      await makeCertificates(folder);
      const end = Date.now() + LIFETIME;
      const tls = await makeBriefCertificate(folder, end);
      await using server = await serve(tls);
      await using backend = await open(server.url, freshName(), tls.ca, { lease: { ttl: 3000, grace: 500 } });
      const lock = await hold(backend);
      await until("the certificate has expired, for longer than a look takes", () => Date.now() > end + 2000);
      const error = await failure(server.url, tls.ca);
      assert.ok(error instanceof LockUnavailableError);
      assert.match(
        error.message,
        /: TLS failed: the server's certificate, or one that signed it, has expired \(\d{4}-\d\d-\d\d\); [^\n]+$/,
      );
      assert.equal(lock.lost.aborted, false);
      await lock.confirm();
      await lock.release();
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
