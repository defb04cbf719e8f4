import type { Bed } from "./bed.ts";
import { EMPTY, EMPTY_ALIKE } from "./contestants.ts";
import { goPrograms } from "./go_programs.ts";
import { childrensProcessorTime } from "./libc.ts";
import { peakMemoryOf } from "./processes.ts";
import type { Table } from "./report.ts";
import { inTurn, type Measurement } from "./rounds.ts";
import { command, timed, type Words } from "./words.ts";

/** A `true` that stays until it is told to go: the kernel tells the memory only of a process that is there. */
const STAND_IN = "#!/bin/sh\necho ready\nread -r go\n";

/** What one whole run of `true` costs. */
export async function overhead(bed: Bed): Promise<Table[]> {
  const { folder, programs, contestants, rounds } = bed;
  const bin = `${folder}/bin`;
  await Deno.mkdir(bin);
  await Deno.writeTextFile(`${bin}/true`, STAND_IN, { mode: 0o755 });
  const measured = (words: Words): Measurement => async () => ({ ...await run(words), memory: await peak(words, bin) });

  const things: Record<string, Measurement> = {
    [EMPTY]: measured(programs.empty),
    [EMPTY_ALIKE]: measured(programs.emptyAlike),
  };
  for (const { name, once } of contestants) things[name] = measured([...once, "true"]);
  // They do not connect stdin, so that the stand-in would not stay.
  for (const [name, words] of await goPrograms(bed)) things[name] = () => run(words);
  return [{
    id: "overhead",
    title: "one run of true, with everything from its start to its end",
    base: EMPTY,
    columns: [
      { id: "wall", title: "wall time", unit: "ms" },
      { id: "processor", title: "processor time", unit: "ms" },
      { id: "memory", title: "peak memory", unit: "MiB" },
    ],
    rows: await inTurn(things, { rounds, base: EMPTY }),
  }];
}

/** Wall time, and processor time of the whole tree, both in milliseconds. */
async function run(words: Words): Promise<{ wall: number; processor: number }> {
  const before = childrensProcessorTime();
  const wall = await timed(words);
  return { wall, processor: childrensProcessorTime() - before };
}

/** The most memory that the program had resident until its command ran, in MiB. */
async function peak(words: Words, bin: string): Promise<number> {
  const env = { PATH: `${bin}:${Deno.env.get("PATH")}` };
  const process = command(words, { stdin: "piped", stdout: "piped", env }).spawn();
  const said = process.stdout.getReader();
  await said.read();
  const memory = peakMemoryOf(process.pid);
  await process.stdin.close();
  await process.status;
  await said.cancel();
  return memory;
}
