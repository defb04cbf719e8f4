/** Where locks may live: the same tests run against each. */

import { lockName } from "../../lib/lock/lock_name.ts";
import { mariaDbUnavailable, startMariaDb } from "../servers/mariadb.ts";
import { mysql56Unavailable, startMySql56 } from "../servers/mysql56.ts";
import type { MySqlServer } from "../servers/mysql_process.ts";
import { linux, type Need, testWith } from "./needs.ts";
import { Place } from "./place.ts";

/** A kind of server to run against. */
export interface Target {
  readonly name: string;
  /** Why it cannot be used here, if so. */
  readonly need: Need;
  start(): Promise<StartedTarget>;
}

/** A place on a server that runs, for one test. */
export interface StartedTarget extends AsyncDisposable {
  /** A place whose sera locks there. */
  readonly place: Place;
  /** The `server` setting. */
  readonly server: string;
  /** How many wait for the lock of this key at this moment. */
  waiters(key: string): Promise<number>;
}

export const FILE: Target = { name: "file", need: linux, start: startFile };

/** All targets, for the tests of one file: the servers are started before the first test and stopped after the last. */
export function useTargets(): readonly Target[] {
  const servers = [
    new ServerTarget("MariaDB", linux ?? mariaDbUnavailable, startMariaDb),
    new ServerTarget("MySQL 5.6", linux ?? mysql56Unavailable, startMySql56),
  ];
  Deno.test.beforeAll(async () => {
    await Promise.all(servers.map((server) => server.launch()));
  });
  Deno.test.afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
  });
  return [FILE, ...servers];
}

/** Defines a test on a target. What of its server outlives the test or ends in it is not the test's. */
export function testOn({ need }: Target, name: string, fn: () => Promise<void>): void {
  testWith([need], name, fn, { sanitizeOps: false, sanitizeResources: false });
}

class ServerTarget implements Target {
  #server: MySqlServer | undefined;

  constructor(readonly name: string, readonly need: Need, readonly launcher: () => Promise<MySqlServer>) {}

  async launch(): Promise<void> {
    if (this.need === undefined) this.#server = await this.launcher();
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }

  async start(): Promise<StartedTarget> {
    const server = this.#server!;
    const place = await Place.make(server.dsn());
    return {
      place,
      server: server.dsn(),
      async waiters(key) {
        const asking = `SELECT GET_LOCK(''${lockName(key)}''%`;
        const [row] = await server.query(
          `SELECT COUNT(*) AS count FROM information_schema.processlist WHERE info LIKE '${asking}'`,
        );
        return Number(row!.count);
      },
      [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
    };
  }
}

async function startFile(): Promise<StartedTarget> {
  const place = await Place.make();
  return {
    place,
    server: place.server,
    waiters: (key) => Promise.resolve(waitersForFile(`${place.locks}/${lockName(key)}.lock`)),
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  };
}

/** The kernel lists who waits for a lock with an arrow. proc(5), /proc/locks */
export function waitersForFile(path: string): number {
  const { ino } = Deno.statSync(path);
  const lines = Deno.readTextFileSync("/proc/locks").split("\n");
  return lines.filter((line) => line.includes("-> FLOCK") && line.includes(`:${ino} `)).length;
}
