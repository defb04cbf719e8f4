/**
 * Measures what sera costs: `deno task bench`, see `--help`. Every figure stands beside one of a program that does the
 * same without sera, from runs that took turns. Needs Linux, hyperfine, and what the tests need.
 *
 * @module
 */
import { InterruptedError } from "../lib/errors.ts";
import { aimsOf } from "./bench/aims.ts";
import type { Part } from "./bench/bed.ts";
import { contestants } from "./bench/contestants.ts";
import { handOff } from "./bench/hand_off.ts";
import { needHyperfine, NoHyperfineError } from "./bench/hyperfine.ts";
import { describeMachine } from "./bench/machine.ts";
import { type BenchOptions, BenchUsageError, HELP, type PartName, PARTS, readOptions } from "./bench/options.ts";
import { overhead } from "./bench/overhead.ts";
import { asText } from "./bench/print.ts";
import { treeOf } from "./bench/processes.ts";
import { makePrograms } from "./bench/programs.ts";
import type { Report, Table } from "./bench/report.ts";
import { startServers } from "./bench/servers.ts";
import { roundTrips } from "./bench/round_trips.ts";
import { sizes } from "./bench/sizes.ts";
import { slots } from "./bench/slots.ts";
import { staircase } from "./bench/staircase.ts";
import { start } from "./bench/start.ts";
import { throughput } from "./bench/throughput.ts";

const MEASURE: Readonly<Record<PartName, Part>> = {
  overhead,
  start,
  handoff: handOff,
  throughput,
  staircase,
  slots,
  roundtrips: roundTrips,
  sizes,
};

try {
  const options = readOptions(Deno.args);
  if (options.help) console.log(HELP.trimEnd());
  else if (Deno.build.os !== "linux") {
    fail(`Cannot measure on ${Deno.build.os}: the figures come from Linux's /proc`, 1);
  } else {
    const report = await bench(options);
    console.log(options.json ? JSON.stringify(report, null, 2) : asText(report).trimEnd());
  }
} catch (error) {
  if (error instanceof InterruptedError) Deno.exit(error.exitCode);
  if (error instanceof BenchUsageError) fail(error.message, 2);
  if (error instanceof NoHyperfineError) fail(error.message, 1);
  throw error;
}

function fail(message: string, exitCode: number): never {
  console.error(`bench: ${message}`);
  Deno.exit(exitCode);
}

/** Runs the requested measurements, and reports progress on stderr. Leaves nothing behind, even when interrupted. */
async function bench({ parts, rounds }: BenchOptions): Promise<Report> {
  await needHyperfine();
  const progress = (text: string) => console.error(`${new Date().toTimeString().slice(0, 8)} ${text}`);
  const interrupted = interruption();
  const folder = await Deno.makeTempDir({ prefix: "sera-bench-" });
  try {
    progress("building the programs, and starting the servers");
    const programs = await makePrograms(folder);
    await using servers = await startServers();
    const leftOut = [...servers.leftOut];
    if (programs.build === "deno run") {
      leftOut.push("the binary: deno compile does not work here; deno run ran them all");
    }
    const bed = {
      folder,
      rounds,
      programs,
      servers,
      contestants: contestants(folder, programs.sera, servers),
      progress,
    };
    const tables: Table[] = [];
    for (const part of parts) {
      progress(`${part}: ${PARTS[part]}`);
      tables.push(...await Promise.race([MEASURE[part](bed), interrupted]));
    }
    return { machine: await describeMachine(programs, servers), rounds, leftOut, tables, aims: aimsOf(tables) };
  } finally {
    // Interrupted processes may still write there.
    endChildren();
    await removeFolder(folder);
  }
}

/** Removes a folder in which ending processes may still create files. */
async function removeFolder(folder: string): Promise<void> {
  for (;;) {
    try {
      return await Deno.remove(folder, { recursive: true });
    } catch (error) {
      if (!/not empty/i.test(String(error))) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Ends the measured processes, which may be waiting for a lock. */
function endChildren(): void {
  for (const pid of treeOf(Deno.pid).slice(1)) {
    try {
      Deno.kill(pid, "SIGTERM");
    } catch (error) {
      // It has just ended.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/** Rejects when a signal asks the bench to end. */
function interruption(): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15]] as const) {
    Deno.addSignalListener(signal, () => reject(new InterruptedError(number)));
  }
  // A signal before the first part is seen when that begins.
  promise.catch(() => undefined);
  return promise;
}
