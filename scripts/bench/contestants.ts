import type { EtcdMember } from "../../tests/servers/etcd_member.ts";
import { queueOf } from "../../tests/backends/etcd/view.ts";
import type { Servers } from "./servers.ts";
import { command, type Words } from "./words.ts";

/** A program that locks, and where it keeps its locks. */
export interface Contestant {
  readonly name: string;
  /** Runs the command after it if that command's lock is free. */
  readonly once: Words;
  /** The words that wait for a lock, and then run the command after them. */
  waiting(key: string): Words;
  /** The same for a command that reads its input, where that makes a difference. */
  holding?(key: string): Words;
  /** How many are waiting for the lock now. */
  waiters(key: string): Promise<number>;
  /** The server's main process, if there is a server. */
  readonly serverPid?: number;
  /** Whether the lock outlives a holder that is killed, until its lease ends. */
  readonly outlives?: true;
}

/** The program that sera is compared with. */
export const FLOCK = "flock(1)";
/** The program that sera on etcd is compared with, besides. */
export const ETCDCTL = "etcdctl lock";
/** The program that does nothing, see programs.ts. */
export const EMPTY = "empty program";
/** The same, compiled with sera's options for V8. */
export const EMPTY_ALIKE = "empty, V8 as in sera";

/**
 * sera with each server that this machine has, flock(1), and where there is an etcd `etcdctl lock`.
 *
 * @param folder Where the locks of this machine go.
 * @param sera The words that start sera.
 */
export function contestants(folder: string, sera: Words, { mysql, postgres, etcd }: Servers): Contestant[] {
  const locking = (name: string, server: string): Contestant => ({
    name,
    once: [...sera, "--server", server, "0"],
    waiting: (key) => [...sera, "--server", server, "--name", key, "120"],
    waiters: waitersBy(sera, server),
  });
  return [
    locking("sera, file", `file:${folder}/locks`),
    ...mysql ? [{ ...locking("sera, MySQL", mysql.dsn()), serverPid: mysql.pid }] : [],
    // Without TLS, as with MySQL.
    ...postgres ? [{ ...locking("sera, PostgreSQL", postgres.url("sslmode=disable")), serverPid: postgres.pid }] : [],
    ...etcd ? [{ ...locking("sera, etcd", etcd.url()), serverPid: etcd.pid, outlives: true } as const] : [],
    {
      name: FLOCK,
      once: ["flock", "--nonblock", `${folder}/flock`],
      // The command does not inherit the lock, so that it is free when flock is killed, as sera's is.
      waiting: (key) => ["flock", "--close", `${folder}/${key}.flock`],
      // The kernel lists who waits for a lock with an arrow. proc(5), /proc/locks
      async waiters(key) {
        const { ino } = await Deno.stat(`${folder}/${key}.flock`);
        const lines = (await Deno.readTextFile("/proc/locks")).split("\n");
        return lines.filter((line) => line.includes("-> FLOCK") && line.includes(`:${ino} `)).length;
      },
    },
    ...etcd ? [etcdctlLock(etcd)] : [],
  ];
}

/** A sera, with the words that give it its server and lock, but neither a wait nor a command. */
export interface Sera extends Pick<Contestant, "name" | "waiters"> {
  words(key: string): Words;
}

/** sera with each server that this machine has, also with leases. */
export function seras(folder: string, sera: Words, { mysql, postgres, etcd }: Servers): Sera[] {
  const locking = (name: string, server: string, ...flags: readonly string[]): Sera => ({
    name,
    words: (key) => [...sera, "--server", server, "--name", key, ...flags],
    waiters: waitersBy(sera, server, ...flags),
  });
  // The table of leases is in the tests' database.
  const ofDatabase = mysql?.dsn("").replace(/\/\?$/, "/sera");
  const plain = postgres?.url("sslmode=disable");
  return [
    locking("sera, file", `file:${folder}/locks`),
    ...mysql ? [locking("sera, MySQL", mysql.dsn()), locking("sera, MySQL, --lease", ofDatabase!, "--lease")] : [],
    ...plain ? [locking("sera, PostgreSQL", plain), locking("sera, PostgreSQL, --lease", plain, "--lease")] : [],
    ...etcd ? [locking("sera, etcd", etcd.url())] : [],
  ];
}

/** Counts waiters by what sera itself sees. */
function waitersBy(sera: Words, server: string, ...flags: readonly string[]): Contestant["waiters"] {
  return async (key) => {
    const status = [...sera, "status", "--server", server, "--name", key, ...flags, "--json"];
    const { stdout } = await command(status, { stdout: "piped" }).output();
    return JSON.parse(new TextDecoder().decode(stdout)).locks[0]?.waiters.length ?? 0;
  };
}

function etcdctlLock(etcd: EtcdMember): Contestant {
  const prefix = "etcdctl/";
  const lock = (key: string) => [...etcd.etcdctlCommand, "lock", `${prefix}${key}`, "--"];
  return {
    name: ETCDCTL,
    once: lock("once"),
    waiting: lock,
    // Its command has no input, but inherits other files.
    holding: (key) => ["sh", "-c", 'exec "$@" 3<&0', "sh", ...lock(key), "sh", "-c", 'exec "$@" <&3 3<&-', "sh"],
    waiters: async (key) => Math.max(0, (await queueOf(etcd, key, prefix)).length - 1),
    serverPid: etcd.pid,
    outlives: true,
  };
}
