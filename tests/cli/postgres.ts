/** A private PostgreSQL for the tests of one file. */

import type { PostgresOptions, PostgresServer } from "../servers/postgres_process.ts";
import { forThisFile } from "../servers/for_this_file.ts";
import { lendSystemPostgres } from "../servers/pool.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../servers/postgres_system.ts";
import { linux, type Need, testWith } from "./needs.ts";

/** A server that is there before the first test of a file, and given back after the last. */
export class SharedPostgres {
  /** Why it cannot be there, if so. */
  readonly need: Need = linux ?? systemPostgresUnavailable;
  readonly #server: () => PostgresServer;

  constructor(options?: PostgresOptions) {
    this.#server = forThisFile(this.need, () => options ? startSystemPostgres(options) : lendSystemPostgres());
  }

  /** The server, within a test. */
  get server(): PostgresServer {
    return this.#server();
  }

  /** What libpq reads from the environment, to reach the server. */
  get variables(): Record<string, string> {
    const { host, port, user, password, database } = this.server;
    return { PGHOST: host, PGPORT: `${port}`, PGUSER: user, PGPASSWORD: password, PGDATABASE: database };
  }

  /** The same in libpq's keywords. */
  get keywords(): string {
    const { host, port, user, password, database } = this.server;
    return `host=${host} port=${port} user=${user} password=${password} dbname=${database}`;
  }

  /** Every held advisory lock, as the server shows it. */
  async locks(): Promise<Record<string, unknown>[]> {
    return await this.server.query(
      `SELECT classid::int8::text, objid::int8::text, objsubid, mode, datname AS database
       FROM pg_locks JOIN pg_database ON pg_database.oid = database WHERE locktype = 'advisory' AND granted`,
    );
  }

  /** Defines a test on the server. */
  test(name: string, fn: () => Promise<void>, needs: readonly Need[] = []): void {
    testWith([this.need, ...needs], name, fn);
  }
}

/** The 32-bit key of a text, FNV-1, as `pg_locks` shows it; reckoned otherwise than lib/ does. */
export function fnv1(text: string): string {
  const prime = 16777619n;
  const bytes = new TextEncoder().encode(text);
  return `${bytes.reduce((hash, byte) => ((hash * prime) % 2n ** 32n) ^ BigInt(byte), 2166136261n)}`;
}
