import { advisoryKey } from "../../lib/backends/postgres/advisory_key.ts";
import { POSTGRESQL } from "../../lib/backends/sql/spelling.ts";
import { lockName } from "../../lib/lock/lock_name.ts";
import type { MySqlServer } from "../../tests/servers/mysql_process.ts";
import type { PostgresServer } from "../../tests/servers/postgres_process.ts";
import type { Servers } from "./servers.ts";
import type { Words } from "./words.ts";

/** A program with a place for its locks. */
export interface Contestant {
  readonly name: string;
  /** Runs the command after it if nobody has the lock of that command. */
  readonly once: Words;
  /** The words that wait for a lock, and then run the command after them. */
  waiting(key: string): Words;
  /** How many wait for the lock at this moment. */
  waiters(key: string): Promise<number>;
  /** The first process of the server, if there is one. */
  readonly serverPid?: number;
}

/** What sera is measured against. */
export const FLOCK = "flock(1)";
/** The program that does nothing, see programs.ts. */
export const EMPTY = "empty program";
/** The same, compiled as sera is. */
export const EMPTY_ALIKE = "empty, V8 as in sera";

/**
 * sera with each kind of server that is there, and flock(1).
 *
 * @param folder Where the locks of this machine go.
 * @param sera The words that start sera.
 */
export function contestants(folder: string, sera: Words, { mysql, postgres }: Servers): Contestant[] {
  return [
    { ...locking("sera, file", sera, `file:${folder}/locks`), ...inFiles((key) => `locks/${lockName(key)}.lock`) },
    ...mysql ? [{ ...locking("sera, MySQL", sera, mysql.dsn()), ...onMySql(mysql) }] : [],
    // Without TLS, as the other.
    ...postgres
      ? [{ ...locking("sera, PostgreSQL", sera, postgres.url("sslmode=disable")), ...onPostgres(postgres) }]
      : [],
    {
      name: FLOCK,
      once: ["flock", "--nonblock", `${folder}/flock`],
      // The command does not inherit the lock, so that it is free when flock is killed, as sera's is.
      waiting: (key) => ["flock", "--close", `${folder}/${key}.flock`],
      ...inFiles((key) => `${key}.flock`),
    },
  ];

  /** The kernel lists who waits for a lock with an arrow. proc(5), /proc/locks */
  function inFiles(nameOf: (key: string) => string): Pick<Contestant, "waiters"> {
    return {
      async waiters(key) {
        const { ino } = await Deno.stat(`${folder}/${nameOf(key)}`);
        const lines = (await Deno.readTextFile("/proc/locks")).split("\n");
        return lines.filter((line) => line.includes("-> FLOCK") && line.includes(`:${ino} `)).length;
      },
    };
  }
}

function locking(name: string, sera: Words, server: string): Pick<Contestant, "name" | "once" | "waiting"> {
  return {
    name,
    once: [...sera, "--server", server, "0"],
    waiting: (key) => [...sera, "--server", server, "--name", key, "120"],
  };
}

function onMySql(server: MySqlServer): Pick<Contestant, "waiters" | "serverPid"> {
  return {
    async waiters(key) {
      const asking = `%GET_LOCK(''${lockName(key)}''%`;
      // What asks is itself one that has the text in it.
      return await numberOf(
        server.query(
          `SELECT COUNT(*) AS found FROM information_schema.processlist
           WHERE info LIKE '${asking}' AND id <> CONNECTION_ID()`,
        ),
      );
    },
    serverPid: server.pid,
  };
}

function onPostgres(server: PostgresServer): Pick<Contestant, "waiters" | "serverPid"> {
  return {
    async waiters(key) {
      const row = advisoryKey(lockName(key)).row.textFor(POSTGRESQL);
      // Sessions tell of a wait in one of two ways: they are queued for the lock, or have looked for it in vain.
      return await numberOf(
        server.query(
          `SELECT COUNT(*) AS found FROM pg_stat_activity AS session
           WHERE application_name LIKE 'sera%' AND query LIKE '%advisory_lock%'
             AND NOT EXISTS (SELECT FROM pg_locks WHERE ${row} AND granted AND pid = session.pid)`,
        ),
      );
    },
    serverPid: server.pid,
  };
}

async function numberOf(rows: Promise<Record<string, unknown>[]>): Promise<number> {
  return Number((await rows)[0]!.found);
}
