/**
 * How often a run waits for its server: a count, which does not depend on the machine. Over a network a run costs that, and
 * while it holds the lock everybody else waits with it.
 */

import assert from "node:assert/strict";
import { type Certificates, makeCertificates } from "../servers/certificates.ts";
import { etcdUnavailable, startEtcd } from "../servers/etcd.ts";
import { forThisFile } from "../servers/for_this_file.ts";
import { mariaDbUnavailable, startMariaDb } from "../servers/mariadb.ts";
import { lendEtcd, lendMariaDb } from "../servers/pool.ts";
import { startSystemPostgres, systemPostgresUnavailable } from "../servers/postgres_system.ts";
import { Proxy } from "../servers/proxy.ts";
import { RoundTrips } from "../servers/round_trips.ts";
import { linux, type Need, testWith } from "./needs.ts";
import { Place } from "./place.ts";
import { pause, until } from "./wait.ts";

/** How long each byte is on its way, each way: longer than any machine takes to send two things that go together. */
const DELAY = 50;
/** A waiter that has sent nothing for so long waits for others; in milliseconds. */
const QUIET = 6 * DELAY;
/** A command that prints a line when it starts, and ends when told to. */
const WAITING = ["sh", "-c", "echo started; read -r _"];

/** A server that runs, and the setting that leads to it. */
interface Launched {
  readonly port: number;
  readonly server: string;
  stop(): Promise<void>;
}

/** Numbers of round trips. */
interface Figures {
  /** Of a whole run, with the one to connect, and the one for a greeting. */
  readonly run: number;
  /** From the answer that gives the lock to the start of the command. */
  readonly start: number;
  /** From the end of the command to the answer that the lock is released, with all that is recorded before that. */
  readonly release: number;
}

/** A kind of server. */
interface Kind {
  readonly name: string;
  readonly need: Need;
  readonly launch: () => Promise<Launched>;
  /** The messages for the lock or the lease, and for its release. */
  readonly lock: RegExp;
  readonly lease?: RegExp;
  readonly release: RegExp;
  /** How many round trips a waiter waits for from the news of the release to the start of its command, by its flags. */
  readonly handOff: Readonly<Record<string, number>>;
  /** By the flags of the run. */
  readonly takes: Readonly<Record<string, Figures>>;
}

const KINDS: readonly Kind[] = [
  {
    name: "MariaDB",
    need: mariaDbUnavailable,
    async launch() {
      const server = await lendMariaDb();
      return { port: server.port, server: withDatabase(server.dsn()), stop: () => server.stop() };
    },
    lock: /GET_LOCK\(/,
    lease: /UPDATE \S*sera_leases\S* SET\s+fence = /,
    // The answer that gives the lock says too that it is held.
    handOff: { "": 0, "--lease": 1 },
    release: /RELEASE_LOCK\(/,
    takes: {
      "": { run: 6, start: 0, release: 1 },
      "--ledger": { run: 8, start: 2, release: 1 },
      "--lease": { run: 7, start: 0, release: 1 },
      "--lease --slots 3": { run: 8, start: 0, release: 1 },
      "--lease --ledger": { run: 9, start: 2, release: 1 },
      "--slots 3": { run: 6, start: 0, release: 1 },
      "--slots 3 --max-waiters 2 --ledger": { run: 8, start: 2, release: 1 },
    },
  },
  {
    name: "PostgreSQL",
    need: systemPostgresUnavailable,
    async launch() {
      const server = await startSystemPostgres({ hba: ["host all all 127.0.0.1/32 trust"] });
      return { port: server.port, server: server.url("sslmode=disable"), stop: () => server.stop() };
    },
    lock: /pg_try_advisory_lock\(/,
    lease: /UPDATE \S*sera_leases\S* SET\s+owner = convert_from/,
    // The request for the lock, and the claim of the lease, whose row is not read first.
    handOff: { "": 1, "--lease": 2 },
    release: /pg_advisory_unlock\(/,
    takes: {
      "": { run: 5, start: 0, release: 1 },
      // What tells the slots, and the looks at others, are in the same messages.
      "--slots 3": { run: 5, start: 0, release: 1 },
      "--slots 3 --max-waiters 2 --ledger": { run: 7, start: 2, release: 1 },
      "--ledger": { run: 7, start: 2, release: 1 },
      "--lease": { run: 6, start: 0, release: 1 },
      "--lease --slots 3": { run: 6, start: 0, release: 1 },
      "--lease --ledger": { run: 8, start: 2, release: 1 },
    },
  },
  {
    name: "etcd",
    need: etcdUnavailable,
    async launch() {
      const server = await lendEtcd();
      return { port: server.port, server: server.url(), stop: () => server.stop() };
    },
    lock: /\/v3\/kv\/txn/,
    // It is connected: the news of the release come over another connection.
    handOff: { "": 1, "--slots 2": 1 },
    release: /\/v3\/lease\/revoke|request_?delete_?range/i,
    takes: {
      "": { run: 4, start: 0, release: 1 },
      "--ledger": { run: 7, start: 1, release: 1 },
      // The look at the slots and the number of them is in the request that takes one.
      "--slots 3": { run: 4, start: 0, release: 1 },
      "--slots 3 --ledger": { run: 7, start: 1, release: 1 },
      "--max-waiters 1": { run: 4, start: 0, release: 1 },
      "--name another": { run: 4, start: 0, release: 1 },
    },
  },
];

for (const { name, need, launch, lock, lease = lock, release, handOff, takes } of KINDS) {
  const launched = forThisFile(linux ?? need, launch);

  for (const [flags, expected] of Object.entries(takes)) {
    testWith([linux ?? need], `${name}: the round trips of sera ${flags}`, async () => {
      await using far = await Far.open(launched());
      const args = [...wordsOf(flags), "--name", `run ${flags}`, "0"];
      // The first run makes the tables.
      await far.run([...args, "true"]);
      const [found, trips] = await fewest(expected, async () => {
        const whole = await far.count(() => far.run([...args, "true"]));
        let [start, ended] = [0, 0];
        const parts = await far.count(async (trips) => {
          await using held = far.place.startSera([...args, ...WAITING], { stdin: "open" });
          await held.says("started");
          start = trips.answered - trips.first(flags.includes("--lease") ? lease : lock);
          ended = trips.answered;
          await held.write("\n");
          assert.equal((await held.ended).code, 0);
        });
        return [{ run: whole.answered, start, release: parts.first(release, ended) - ended }, parts];
      });
      assert.deepEqual(found, expected, String(trips));
      // It tries a plain lock.
      if (flags.includes("--slots")) return;
      const told = await far.doctor(flags.includes("--lease") ? ["--lease"] : []);
      assert.equal(
        flags.includes("--ledger") ? told.round_trips_with_ledger : told.round_trips,
        found.run,
        "sera doctor",
      );
    });
  }

  for (const [flags, expected] of Object.entries(handOff)) {
    testWith(
      [linux ?? need],
      `${name}: ${["a waiter", ...wordsOf(flags)].join(" ")} from the news of the release to its command`,
      async () => {
        const { server } = launched();
        await using near = await Place.make(server);
        await using far = await Far.open(launched());
        const args = [...wordsOf(flags), "--name", `handed on ${flags}`];
        const [found, trips] = await fewest({ start: expected }, async () => {
          await using stack = new AsyncDisposableStack();
          const holders = Array.from({ length: Number(/--slots (\d)/.exec(flags)?.[1] ?? 1) }, () => {
            return stack.use(near.startSera([...args, "0", ...WAITING], { stdin: "open" }));
          });
          for (const holder of holders) await holder.says("started");
          let start = 0;
          const trips = await far.count(async (trips) => {
            await using waiter = far.place.startSera([...args, "60", ...WAITING], { stdin: "open" });
            await until("it waits", async () => {
              const { stdout } = await near.sera(["status", "--name", `handed on ${flags}`, "--json"]);
              return JSON.parse(stdout).locks[0]?.waiters.length === 1;
            });
            await until("all is quiet", async () => {
              const { asked } = trips;
              await pause(QUIET);
              return trips.asked === asked;
            });
            const { asked } = trips;
            await holders[0]!.write("\n");
            await waiter.says("started");
            // Messages that it does not wait for do not count, nor do earlier requests.
            start = trips.answered - asked;
            await waiter.write("\n");
            assert.equal((await waiter.ended).code, 0);
          });
          return [{ start }, trips];
        });
        assert.deepEqual(found, { start: expected }, String(trips));
      },
    );
  }
}

/** A kind of connection. */
interface OnTop {
  readonly name: string;
  readonly need: Need;
  readonly launch: (certificates: Certificates) => Promise<Launched>;
  /** How many round trips a run takes. */
  readonly run: number;
}

/** Connections that are encrypted, and logins by password as each server prefers them. */
const ON_TOP: readonly OnTop[] = [
  {
    // The greeting contains the salt for the password's hash.
    name: "MariaDB over TLS",
    need: mariaDbUnavailable,
    async launch({ good }) {
      const server = await startMariaDb({ tls: good });
      return { port: server.port, server: server.dsn("tls=skip-verify"), stop: () => server.stop() };
    },
    run: 6 + 1,
  },
  {
    name: "PostgreSQL with SCRAM",
    need: systemPostgresUnavailable,
    async launch() {
      const server = await startSystemPostgres();
      return { port: server.port, server: server.url("sslmode=disable"), stop: () => server.stop() };
    },
    run: 5 + 2,
  },
  {
    name: "PostgreSQL with SCRAM, where TLS is preferred and there is none",
    need: systemPostgresUnavailable,
    async launch() {
      const server = await startSystemPostgres();
      return { port: server.port, server: server.url("sslmode=prefer"), stop: () => server.stop() };
    },
    run: 5 + 2 + 1,
  },
  {
    // Whether there is TLS is asked first; and the curve that servers before 18 want is not what clients offer.
    name: "PostgreSQL with SCRAM over TLS",
    need: systemPostgresUnavailable,
    async launch({ good }) {
      const server = await startSystemPostgres({ tls: good });
      return { port: server.port, server: server.url("sslmode=require"), stop: () => server.stop() };
    },
    run: 5 + 2 + 3,
  },
  {
    name: "etcd with a login over TLS",
    need: etcdUnavailable,
    async launch({ bothWays }) {
      const server = await startEtcd({ tls: bothWays, auth: true });
      return { port: server.port, server: server.url(), stop: () => server.stop() };
    },
    run: 4 + 2,
  },
];

for (const { name, need, launch, run } of ON_TOP) {
  testWith([linux ?? need], `${name}: what connecting and the login take on top`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "sera-certificates-" });
    const certificates = await makeCertificates(folder);
    const server = await launch(certificates);
    try {
      await using far = await Far.open(server);
      const trust = server.server.startsWith("etcds:") ? ["--tls-ca", certificates.ca] : [];
      const [found, trips] = await fewest({ run }, async () => {
        const trips = await far.count(() => far.run([...trust, "0", "true"]));
        return [{ run: trips.answered }, trips];
      });
      assert.deepEqual(found, { run }, String(trips));
      assert.equal((await far.doctor(trust)).round_trips, run, "sera doctor");
    } finally {
      await server.stop();
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/** How often to count; the minimum has only the messages that are always sent. */
const TRIES = 10;

/**
 * Counts, and again if that was more: where a machine pauses, a lock is looked at once more before the command starts, or
 * the start is noticed late.
 *
 * @returns The figures, and the messages sent, for people.
 */
async function fewest(
  expected: Partial<Figures>,
  count: () => Promise<[Partial<Figures>, RoundTrips]>,
): Promise<[Partial<Figures>, RoundTrips]> {
  for (let tries = 1;; tries++) {
    const [found, trips] = await count();
    const isMore = OF.some((of) => (found[of] ?? 0) > (expected[of] ?? 0));
    if (!isMore || tries === TRIES) return [found, trips];
  }
}

const OF = ["run", "start", "release"] as const;

/** Runs for which the server is far away. */
class Far implements AsyncDisposable {
  private constructor(readonly place: Place, readonly proxy: Proxy) {}

  static async open({ port, server }: Launched): Promise<Far> {
    const proxy = await Proxy.open(port);
    return new Far(await Place.make(proxy.instead(server)), proxy);
  }

  /** Runs sera, which must succeed and say nothing. */
  async run(args: readonly string[]): Promise<void> {
    const { code, stderr } = await this.place.sera(args);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  }

  /** What sera doctor has measured and counted. */
  async doctor(args: readonly string[]): Promise<Record<string, number>> {
    this.proxy.roundTrips = new RoundTrips();
    const { stdout } = await this.place.sera(["doctor", "--json", ...args]);
    const { checks } = JSON.parse(stdout);
    const { figures } = checks.find(({ check }: { check: string }) => check === "round-trip");
    return figures ?? assert.fail(stdout);
  }

  /** Counts the round trips of a run. */
  async count(work: (trips: RoundTrips) => Promise<void>): Promise<RoundTrips> {
    const trips = this.proxy.roundTrips = new RoundTrips();
    this.proxy.delay = DELAY;
    await work(trips);
    this.proxy.delay = 0;
    return trips;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.place[Symbol.asyncDispose]();
    await this.proxy[Symbol.asyncDispose]();
  }
}

function wordsOf(flags: string): string[] {
  return flags.split(" ").filter((word) => word !== "");
}

/** The setting with the tests' database, which the tables are in. */
function withDatabase(dsn: string): string {
  return dsn.replace("/?", "/sera?");
}
