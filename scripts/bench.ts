/**
 * Measures what sera costs: `deno task bench`. Every figure stands beside one of a program that does the same without sera,
 * from runs that took turns, so that a busy machine slows both. Needs Linux and what the tests need.
 *
 * @module
 */
import { startMariaDb } from "../tests/servers/mariadb.ts";
import { startSystemPostgres } from "../tests/servers/postgres_system.ts";
import { bundle } from "./bundle.ts";
import { compile } from "./compile.ts";
import { PERMISSIONS } from "./permissions.ts";

/** How often each thing is measured. */
const ROUNDS = 25;
/** How long an idle waiter is watched, in milliseconds. */
const IDLE = 5000;
/** Long enough for a waiter to have queued up, in milliseconds. */
const SETTLE = 300;

/** A program that does nothing but run `true`: what no program on this runtime can undercut. */
const EMPTY = `const command = new Deno.Command("true", { stdin: "inherit", stdout: "inherit", stderr: "inherit" });
Deno.exit((await command.spawn().status).code);
`;

type Words = readonly string[];

const folder = await Deno.makeTempDir({ prefix: "sera-bench-" });
try {
  await using mariaDb = await startMariaDb();
  await using postgresServer = await startSystemPostgres();
  const { sera, empty, build } = await prepare();
  const file: Words = [...sera, "--server", `file:${folder}/locks`];
  const mysql: Words = [...sera, "--server", mariaDb.dsn()];
  // Without TLS, as the other.
  const postgres: Words = [...sera, "--server", postgresServer.url("sslmode=disable")];
  const flock: Words = ["flock", `${folder}/flock`];
  const versions = `Deno ${Deno.version.deno}, ${mariaDb.version}, PostgreSQL ${postgresServer.version}`;
  console.log(`${build}, ${navigator.hardwareConcurrency} processors, ${versions}`);
  console.log(`median of ${ROUNDS} runs in turn [least to most]; ratio to the empty program\n`);

  const wall = await inTurn({
    "empty program": () => runTime(empty),
    "sera 0 true, file": () => runTime([...file, "0", "true"]),
    "sera 0 true, MySQL": () => runTime([...mysql, "0", "true"]),
    "sera 0 true, PostgreSQL": () => runTime([...postgres, "0", "true"]),
    "flock true": () => runTime([...flock, "true"]),
  });
  print("wall time", "ms", wall, "empty program");
  print(
    "peak memory",
    "MiB",
    await inTurn({
      "empty program": () => peakMemory(empty),
      "sera 0 true, file": () => peakMemory([...file, "0"]),
      "sera 0 true, MySQL": () => peakMemory([...mysql, "0"]),
      "sera 0 true, PostgreSQL": () => peakMemory([...postgres, "0"]),
    }),
    "empty program",
  );
  print(
    "hand-off: the holder's command ends, the waiter's begins",
    "ms",
    await inTurn({
      "flock": () => handOff(flock),
      "sera, file": () => handOff([...file, "--name", "bench", "60"]),
      "sera, MySQL": () => handOff([...mysql, "--name", "bench", "60"]),
      "sera, PostgreSQL": () => handOff([...postgres, "--name", "bench", "60"]),
    }),
    "flock",
  );
  console.log("processor time of an idle waiter");
  for (const [name, words] of [["sera, file", file], ["sera, MySQL", mysql], ["sera, PostgreSQL", postgres]] as const) {
    console.log(
      `  ${name.padEnd(24)} ${(await idleWaiter([...words, "--name", "idle", "60"])).toFixed(2)} ms a second`,
    );
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}

/** Compiles sera and the empty program; where the compiler's runtime cannot be had, both run from source alike. */
async function prepare(): Promise<{ sera: Words; empty: Words; build: string }> {
  const { entry: sera } = await bundle(`${folder}/bundle`);
  const empty = `${folder}/empty.js`;
  await Deno.writeTextFile(empty, EMPTY);
  const compiled = async (entry: string, name: string) =>
    await compile({ folder: entry.slice(0, entry.lastIndexOf("/")), entry, output: `${folder}/${name}` }, true);
  if (await compiled(sera, "sera") && await compiled(empty, "empty")) {
    return { sera: [`${folder}/sera`], empty: [`${folder}/empty`], build: "compiled" };
  }
  console.log("deno compile does not work here; the bundle is run with deno run, and so is the empty program\n");
  const run = [Deno.execPath(), "run", "--quiet", "--no-config", ...PERMISSIONS];
  return { sera: [...run, sera], empty: [...run, empty], build: "deno run" };
}

/** Measures each in turn, again and again. */
async function inTurn(tasks: Record<string, () => Promise<number>>): Promise<Map<string, number[]>> {
  const results = new Map(Object.keys(tasks).map((name) => [name, [] as number[]]));
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, task] of Object.entries(tasks)) {
      const result = await task();
      // The first round only fills the caches.
      if (round >= 0) results.get(name)!.push(result);
    }
  }
  return results;
}

function print(title: string, unit: string, results: Map<string, number[]>, baseline: string): void {
  console.log(`${title}, ${unit}`);
  const base = median(results.get(baseline)!);
  for (const [name, values] of results) {
    const spread = `[${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)}]`;
    const ratio = (median(values) / base).toFixed(2);
    console.log(`  ${name.padEnd(24)} ${median(values).toFixed(1).padStart(7)} ${spread.padEnd(16)} ${ratio}`);
  }
  console.log();
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function command([program, ...args]: Words, options: Deno.CommandOptions = {}): Deno.Command {
  return new Deno.Command(program!, { args, stdin: "null", stdout: "null", ...options });
}

/** Wall time of one run, in milliseconds. */
async function runTime(words: Words): Promise<number> {
  const began = performance.now();
  const { success } = await command(words).spawn().status;
  const took = performance.now() - began;
  if (!success) throw new Error(`Failed: ${words[0]}`);
  return took;
}

/**
 * The most memory that one run had resident, in MiB. The kernel tells it only of a process that is there, so the command
 * is one that stays until it has been read: a `true` in the PATH that does so.
 */
async function peakMemory(words: Words): Promise<number> {
  const bin = `${folder}/bin`;
  await Deno.mkdir(bin, { recursive: true });
  await Deno.writeTextFile(`${bin}/true`, "#!/bin/sh\necho ready\nread -r go\n", { mode: 0o755 });
  const isSera = words.length > 1 && words.at(-1) === "0";
  const process = command(isSera ? [...words, "true"] : words, {
    stdin: "piped",
    stdout: "piped",
    env: { PATH: `${bin}:${Deno.env.get("PATH")}` },
  }).spawn();
  const reader = process.stdout.getReader();
  await reader.read();
  const status = await Deno.readTextFile(`/proc/${process.pid}/status`);
  await process.stdin.close();
  await process.status;
  await reader.cancel();
  return Number(/^VmHWM:\s*(\d+) kB/m.exec(status)![1]) / 1024;
}

/** From the end of the holder's command to the begin of the waiter's, in milliseconds. */
async function handOff(lock: Words): Promise<number> {
  const holder = command([...lock, "sh", "-c", "echo ready; read -r go; date +%s%N"], {
    stdin: "piped",
    stdout: "piped",
  })
    .spawn();
  const said = holder.stdout.getReader();
  await said.read();
  const waiter = command([...lock, "date", "+%s%N"], { stdout: "piped" }).spawn();
  await new Promise((resolve) => setTimeout(resolve, SETTLE));
  await holder.stdin.close();
  const ended = new TextDecoder().decode((await said.read()).value);
  const { stdout } = await waiter.output();
  await holder.status;
  await said.cancel();
  return Number(BigInt(new TextDecoder().decode(stdout).trim()) - BigInt(ended.trim())) / 1e6;
}

/** Processor time that a waiter takes while nothing happens, in milliseconds a second. */
async function idleWaiter(lock: Words): Promise<number> {
  const holder = command([...lock, "sh", "-c", "echo ready; read -r go"], { stdin: "piped", stdout: "piped" }).spawn();
  const said = holder.stdout.getReader();
  await said.read();
  const waiter = command([...lock, "true"]).spawn();
  await new Promise((resolve) => setTimeout(resolve, 2 * SETTLE));
  const before = await processorTime(waiter.pid);
  await new Promise((resolve) => setTimeout(resolve, IDLE));
  const after = await processorTime(waiter.pid);
  await holder.stdin.close();
  await Promise.all([waiter.status, holder.status]);
  await said.cancel();
  return (after - before) / (IDLE / 1000);
}

/** What a process has used so far, in milliseconds. The scheduler counts in nanoseconds, see proc(5), schedstat. */
async function processorTime(pid: number): Promise<number> {
  let sum = 0;
  for await (const thread of Deno.readDir(`/proc/${pid}/task`)) {
    const [running] = (await Deno.readTextFile(`/proc/${pid}/task/${thread.name}/schedstat`)).split(" ");
    sum += Number(running);
  }
  return sum / 1e6;
}
