import type { Bed } from "./bed.ts";
import { EMPTY, EMPTY_ALIKE } from "./contestants.ts";
import { hyperfine } from "./hyperfine.ts";
import type { Table } from "./report.ts";
import { inTurn, type Measurement } from "./rounds.ts";
import { command, type Words } from "./words.ts";

/** A `true` that prints the most memory, in KiB, that the program that started it has had so far. proc(5) */
const TELLING_TRUE = `#!/bin/sh\nexec sed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\).*/\\1/p' "/proc/$PPID/status"\n`;

/** The cost of a whole run of `true`. */
export async function overhead({ folder, programs, contestants, rounds }: Bed): Promise<Table[]> {
  const bin = `${folder}/bin`;
  await Deno.mkdir(bin);
  await Deno.writeTextFile(`${bin}/true`, TELLING_TRUE, { mode: 0o755 });
  const measured = (words: Words): Measurement => async () => ({
    ...await hyperfine(words),
    memory: await peakMemory(words, bin),
  });
  const things = {
    [EMPTY]: measured(programs.empty),
    [EMPTY_ALIKE]: measured(programs.emptyAlike),
    ...Object.fromEntries(contestants.map(({ name, once }) => [name, measured([...once, "true"])])),
  };
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

/** Peak resident memory of the program until its command ran, in MiB. */
async function peakMemory(words: Words, bin: string): Promise<number> {
  const env = { PATH: `${bin}:${Deno.env.get("PATH")}` };
  const { stdout } = await command(words, { stdout: "piped", env }).output();
  return Number(new TextDecoder().decode(stdout)) / 1024;
}
