/** A stress test: many sera processes want one lock, while they, their connections and their server are attacked. */

import { fixture, Place } from "../cli/place.ts";
import type { HeldSessions } from "../cli/held_session.ts";
import type { Running } from "../cli/running.ts";
import { HANG, pause } from "../cli/wait.ts";
import { check, type Findings } from "./journal.ts";
import { maxIdleTime } from "./idle_slots.ts";

/** How many sera processes run at a time. */
const SERAS = 24;
/** The lock that they all want. */
const KEY = "torture";
/** The command's time between SIGTERM and SIGKILL, in milliseconds. */
export const GRACE = 200;
/** How long two commands may run at the same time after a fault, in milliseconds: the grace period and killing. */
const BOUND = GRACE + 1000;
/** How much longer on a slow machine, in silences between two signs of a command that are 10 ms apart on a quick one. */
const SILENCES = 20;
/** How many faults there are at the most until another run comes to its end, so that a slow machine gets on, too. */
const FAULTS_PER_RUN = 4;

/** How many hundredths of a second the commands take, in turn; one of them is longer than the grace period. */
const BEATS = [2, 9, 4, 40, 3, 7, 5];
/** The time from one fault to the next, in milliseconds. */
const MIN_FAULT_INTERVAL = 30;
const MAX_FAULT_INTERVAL = 250;
/** From one crash of the server to the next, in milliseconds. */
const CRASH_INTERVAL = 4000;

/** Where to torture. */
export interface TortureOptions {
  /** The server, whose connections are cut and which crashes; without one, files of this machine. */
  readonly sessions?: TorturedSessions | undefined;
  /** For a lease: the flags that request one and name its table. Then sera processes are stopped, too. */
  readonly lease?: Readonly<Record<string, string>>;
  /** How many may hold the lock, if not only one; then it is seen after the faults whether as many do. */
  readonly slots?: number | undefined;
}

/** A server of the torture. */
export type TorturedSessions = Pick<HeldSessions, "server" | "cutHolder" | "cutAnyone" | "kill" | "restart"> & {
  /** The server settings that the sera processes use in turn. */
  readonly servers?: readonly string[];
  /** What else can be done to it, by name; each says whether it was done. */
  readonly faults?: Readonly<Record<string, () => boolean>>;
};

/** A lease as short as may be, since others wait for it whenever its holder is killed, in milliseconds. */
const LEASE_TTL = 3000;
/** For how long a sera process is stopped, in milliseconds; the longest stops cost it its lease. */
const MIN_STOP = 100;
const MAX_STOP = 2 * LEASE_TTL;
/** With slots commands take this many times as long: otherwise runs do not start fast enough for some to wait. */
const LONGER_IN_SLOTS = 8;
/** For how long to watch whether all slots are held, in milliseconds. */
const CALM = 3000;
/** How long a sera waits for its turn, in seconds. */
const WAIT = 20;
const LEASE_WAIT = 60;

/** What came of it. */
export interface Torture extends Findings {
  /** How often sera ended with which code. */
  readonly codes: ReadonlyMap<number, number>;
  /** The output of all sera processes. */
  readonly said: readonly string[];
  /** How long two commands may have run at the same time after a fault, in milliseconds, on a machine as slow as this. */
  readonly bound: number;
  /** With slots, the longest time that one was free while a run waited without any fault, in milliseconds. */
  readonly maxIdle: number;
}

/**
 * Tortures a lock.
 *
 * @param seconds How long new seras are started; longer if by then fewer runs have come to their end, or there have been
 * fewer faults.
 */
export async function torture({ sessions, lease, slots }: TortureOptions, seconds: number): Promise<Torture> {
  const variables = lease ? { ...lease, SERA_TTL: `${LEASE_TTL}ms` } : {};
  await using place = await Place.make(sessions?.server, variables);
  const servers = sessions?.servers ?? [place.server];
  const end = performance.now() + seconds * 1000;
  const finished = () => codes.get(0) ?? 0;
  let faulted = 0;
  const inTime = () => performance.now() < end || (finished() < seconds || faulted < seconds) && !hangs();
  const hangs = () => performance.now() > end + HANG;
  const journal = await place.write("journal", "");
  const running = new Map<string, Running>();
  const codes = new Map<number, number>();
  const said: string[] = [];
  let count = 0;

  /** Whether new runs are started after the faults, too. */
  let startsMore = slots !== undefined;
  const work = async () => {
    while (inTime() || startsMore) {
      const run = `${++count}`;
      const beats = BEATS[count % BEATS.length]! * (slots === undefined ? 1 : LONGER_IN_SLOTS);
      const mood = count % 2 === 0 ? "stubborn" : "mild";
      const alone = lease ? [place.file("alone")] : [];
      const command = [fixture("heartbeat.sh"), journal, run, `${beats}`, mood, ...alone];
      const wait = `${lease ? LEASE_WAIT : WAIT}`;
      // So that it says when it waits.
      const inSlots = slots === undefined ? [] : ["--verbose", "--slots", `${slots}`];
      await using sera = place.startSera(["--name", KEY, "--grace", `${GRACE}ms`, ...inSlots, wait, ...command], {
        env: { SERA_SERVER: servers[count % servers.length] },
      });
      running.set(run, sera);
      const { code, stdout, stderr } = await sera.ended;
      running.delete(run);
      codes.set(code, (codes.get(code) ?? 0) + 1);
      // A verbose one says on stdout how it goes.
      const all = slots === undefined ? `${stdout}${stderr}` : stderr;
      said.push(...all.split("\n").filter((line) => line !== ""));
    }
  };

  const note = (kind: string, run = "-") => {
    const [now] = Deno.readTextFileSync("/proc/uptime").split(" ");
    faulted++;
    Deno.writeTextFileSync(journal, `fault ${kind} ${run} ${now}\n`, { append: true });
  };
  const kill = (run: string | undefined) => {
    const sera = run === undefined ? undefined : running.get(run);
    if (!sera) return;
    note("kill", run);
    sera.kill("SIGKILL");
  };
  const holding = () => holder(Deno.readTextFileSync(journal));
  const anyone = () => [...running.keys()][Math.floor(Math.random() * running.size)];
  /** Sera processes that are stopped (SIGSTOP), and are continued later. */
  const stopped = new Set<Promise<void>>();
  const stop = async (run: string | undefined) => {
    const sera = run === undefined ? undefined : running.get(run);
    if (!sera) return;
    note("stop", run);
    await sera.suspend();
    const goesOn = pause(MIN_STOP + Math.random() * (MAX_STOP - MIN_STOP)).then(() => {
      sera.kill("SIGCONT");
      stopped.delete(goesOn);
    });
    stopped.add(goesOn);
  };
  const faults: (() => Promise<void> | void)[] = [() => kill(holding()), () => kill(anyone())];
  // A stopped one holds up all others until its lease is over.
  if (lease) faults.push(() => stop(anyone()), () => stop(anyone()), () => stop(holding()));
  if (sessions) {
    faults.push(async () => {
      note("cut");
      await sessions.cutHolder(KEY);
    }, async () => {
      note("cut");
      await sessions.cutAnyone();
    });
    for (const [kind, act] of Object.entries(sessions.faults ?? {})) {
      faults.push(() => {
        if (act()) note(kind);
      });
    }
  }
  /** Waits until a run has come to its end, should there have been many faults without that. */
  let enough = FAULTS_PER_RUN;
  const progress = async () => {
    if (faulted < enough) return;
    enough = faulted + FAULTS_PER_RUN;
    const before = finished();
    while (finished() === before && inTime()) await pause(MIN_FAULT_INTERVAL);
  };
  const hurt = async () => {
    let crash = performance.now() + CRASH_INTERVAL / 2;
    while (inTime()) {
      await pause(MIN_FAULT_INTERVAL + Math.random() * (MAX_FAULT_INTERVAL - MIN_FAULT_INTERVAL));
      await progress();
      if (!sessions || performance.now() < crash) {
        await faults[Math.floor(Math.random() * faults.length)]!();
        continue;
      }
      note("crash");
      await sessions.kill();
      await sessions.restart();
      crash = performance.now() + CRASH_INTERVAL;
    }
  };
  const stopAll = async () => {
    while (running.size > 0) {
      for (const sera of running.values()) sera.kill("SIGTERM");
      await pause(100);
    }
  };

  const workers = Promise.all(Array.from({ length: SERAS }, work));
  await hurt();
  await Promise.all(stopped);
  const maxIdle = slots === undefined ? 0 : await maxIdleTime({ journal, running, slots }, CALM);
  startsMore = false;
  await stopAll();
  await workers;
  const text = await place.read("journal");
  const bound = BOUND + SILENCES * check(text, BOUND).maxSilence;
  return { ...check(text, bound), codes, said, bound, maxIdle };
}

/** The run that began last, if it has not ended by itself. */
function holder(journal: string): string | undefined {
  const begun = journal.lastIndexOf("begin ");
  if (begun < 0) return undefined;
  const run = journal.slice(begun).split(" ", 2)[1]!;
  return journal.includes(`\nend ${run} `, begun) ? undefined : run;
}

/** The figures in one line. */
export function summary(where: string, seconds: number, { runs, finished, faults, overlaps, codes, ...rest }: Torture) {
  const kinds = Map.groupBy(faults, ({ kind }) => kind);
  const list = (pairs: Iterable<readonly [unknown, number]>) =>
    [...pairs].map(([what, n]) => `${n} ${what}`).join(", ");
  const longest = Math.max(0, ...overlaps.map(({ length }) => length));
  return `${where}: ${seconds} s, ${runs} runs (${finished} to their end); faults: ` +
    `${list([...kinds].map(([kind, all]) => [kind, all.length] as const))}; ` +
    `exit codes: ${[...codes].sort(([a], [b]) => a - b).map(([code, n]) => `${code} (${n})`).join(", ")}; ` +
    `overlaps: ${overlaps.length}, longest ${longest} ms (silence up to ${rest.maxSilence} ms)`;
}

/** How often each message was printed, ignoring the numbers in it. */
export function voices({ said }: Torture): string {
  const alike = Map.groupBy(said, (line) => line.replace(/\d+/g, "N"));
  return [...alike].map(([line, all]) => `${all.length} times: ${line}`).sort().join("\n");
}
