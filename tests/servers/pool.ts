/**
 * Plain servers that files of tests use one after the other, where many run: starting one takes longer than most tests.
 * A test file's leftovers in a server are removed; a server that cannot be reset is not lent again.
 */

import { borrowEtcd, startEtcd } from "./etcd.ts";
import type { EtcdMember } from "./etcd_member.ts";
import { borrow as borrowMySql, type Lent, type MySqlServer } from "./mysql_process.ts";
import { mariaDbRecipe, startMariaDb } from "./mariadb.ts";
import { mySql56Recipe, startMySql56 } from "./mysql56.ts";
import { cleanEtcd, cleanMySql, cleanPostgres, stateOfEtcd, stateOfMySql, stateOfPostgres } from "./cleaning.ts";
import { borrow as borrowPostgres, type PostgresServer } from "./postgres_process.ts";
import { living } from "./process_tree.ts";
import { recipe18, startPostgres18 } from "./postgres18.ts";
import { startSystemPostgres, systemRecipe } from "./postgres_system.ts";

/** What there is to lend. */
const KINDS = {
  mariadb: mySql(startMariaDb),
  mysql56: mySql(startMySql56),
  postgres: postgres(startSystemPostgres),
  postgres18: postgres(startPostgres18),
  etcd: async () => keep(await startEtcd(), stateOfEtcd, cleanEtcd),
};
/** Kinds of plain servers. */
export type Kind = keyof typeof KINDS;

/** A server and its initial state. */
interface Kept {
  readonly lent: Lent;
  /** The process that has it, or had it last. */
  borrower: number;
  /** Makes it as new; false if that cannot be done. */
  clean(): Promise<boolean>;
  stop(): Promise<void>;
}

function mySql(start: () => Promise<MySqlServer>): () => Promise<Kept> {
  return async () => keep(await start(), stateOfMySql, cleanMySql);
}

function postgres(start: () => Promise<PostgresServer>): () => Promise<Kept> {
  return async () => keep(await start(), stateOfPostgres, cleanPostgres);
}

async function keep<S extends MySqlServer | PostgresServer | EtcdMember>(
  server: S,
  state: (server: S) => Promise<string>,
  clean: (server: S) => Promise<void>,
): Promise<Kept> {
  const { folder, port, pid } = server;
  const asNew = await state(server);
  return {
    lent: { folder, port, pid },
    borrower: 0,
    async clean() {
      if ((await living([pid])).length === 0) return false;
      try {
        await clean(server);
        // An entry in it is not taken for a client.
        await Deno.truncate(server.logFile);
        return await state(server) === asNew;
      } catch {
        // It does not answer, or not as it did.
        return false;
      }
    },
    stop: () => server.stop(),
  };
}

/** The servers of one lane, which runs one file at a time. */
export class Pool implements AsyncDisposable {
  readonly #listener: Deno.UnixListener;
  readonly #kept = new Map<Kind, Promise<Kept>>();

  /** @param path Where to listen; the environment's SERA_TEST_POOL of those who borrow. */
  constructor(path: string) {
    this.#listener = Deno.listen({ transport: "unix", path });
    void this.#serve();
  }

  async #serve(): Promise<void> {
    for await (const connection of this.#listener) void this.#answer(connection);
  }

  async #answer(connection: Deno.Conn): Promise<void> {
    using _closed = connection;
    const [kind, borrower] = (await readLine(connection)).split(" ") as [Kind, string];
    const answer = await this.lend(kind, Number(borrower)).catch((error: Error) => ({ error: error.message }));
    // Who asked may be gone.
    await connection.write(new TextEncoder().encode(`${JSON.stringify(answer)}\n`)).catch(() => {});
  }

  /** Lends a server to a process; as long as it is the same one, the server stays as it is. */
  async lend(kind: Kind, borrower: number): Promise<Lent> {
    const kept = this.#next(kind, borrower, this.#kept.get(kind));
    this.#kept.set(kind, kept);
    return (await kept).lent;
  }

  async #next(kind: Kind, borrower: number, last?: Promise<Kept>): Promise<Kept> {
    const kept = await last?.catch(() => undefined);
    if (kept?.borrower === borrower || await kept?.clean()) {
      kept!.borrower = borrower;
      return kept!;
    }
    await kept?.stop();
    const fresh = await KINDS[kind]();
    fresh.borrower = borrower;
    return fresh;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const kept of this.#kept.values()) await (await kept.catch(() => undefined))?.stop();
  }
}

/** Asks the pool of this lane. */
async function ask(path: string, kind: Kind): Promise<Lent> {
  using connection = await Deno.connect({ transport: "unix", path });
  await connection.write(new TextEncoder().encode(`${kind} ${Deno.pid}\n`));
  const answer: Lent & { error?: string } = JSON.parse(await readLine(connection));
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer;
}

async function readLine(connection: Deno.Conn): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  while (!text.endsWith("\n")) {
    const count = await connection.read(buffer);
    if (count === null) throw new Error("the pool of servers has gone");
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
  return text.trimEnd();
}

/** Borrows where there is a pool; else starts a server for the caller alone, who stops it. */
async function lend<S>(kind: Kind, start: () => Promise<S>, borrow: (lent: Lent) => Promise<S>): Promise<S> {
  const path = Deno.env.get("SERA_TEST_POOL");
  return path === undefined ? await start() : await borrow(await ask(path, kind));
}

/** A plain MariaDB. */
export function lendMariaDb(): Promise<MySqlServer> {
  return lend("mariadb", startMariaDb, (lent) => borrowMySql(mariaDbRecipe(), lent));
}

/** A plain MySQL 5.6. */
export function lendMySql56(): Promise<MySqlServer> {
  return lend("mysql56", startMySql56, (lent) => borrowMySql(mySql56Recipe(), lent));
}

/** A plain PostgreSQL of the system's version. */
export function lendSystemPostgres(): Promise<PostgresServer> {
  return lend("postgres", startSystemPostgres, (lent) => borrowPostgres(systemRecipe(), lent));
}

/** A plain PostgreSQL 18. */
export function lendPostgres18(): Promise<PostgresServer> {
  return lend("postgres18", startPostgres18, async (lent) => borrowPostgres(await recipe18(), lent));
}

/** A plain etcd of one member. */
export function lendEtcd(): Promise<EtcdMember> {
  return lend("etcd", startEtcd, borrowEtcd);
}
