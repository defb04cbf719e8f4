import type { Bed } from "./bed.ts";
import { EMPTY } from "./contestants.ts";
import type { Table } from "./report.ts";
import { inTurn, type Sample } from "./rounds.ts";
import { timed, type Words } from "./words.ts";

/** How much goes through the pipes. */
const BYTES = 1_000_000_000;
/** More rounds would tell nothing new. */
const MOST_ROUNDS = 5;

const DIRECT = "cat";
/** Its first argument is how much to send; the others are the words that it goes through. */
const PIPE = `bytes=$1; shift; head -c "$bytes" /dev/zero | "$@" | cat >/dev/null`;
/** Copies, and notes in a file how much processor time its parent, sera, had used before and after that. */
const COPY = `spent() { cat "/proc/$PPID/task/"*/schedstat >"$0.$1"; }
spent before && cat && spent after`;

/** What it costs to have a sera around a command that much goes through. */
export async function piping({ folder, programs, contestants, rounds }: Bed): Promise<Table[]> {
  const note = `${folder}/spent`;
  const bin = `${folder}/piping-bin`;
  await Deno.mkdir(bin);
  await Deno.writeTextFile(`${bin}/true`, "#!/bin/sh\nexec cat\n", { mode: 0o755 });
  const env = { PATH: `${bin}:${Deno.env.get("PATH")}` };
  // All on one processor: which of them runs where would change the time by half.
  const pinned = ["taskset", "--cpu-list", `${await anyProcessor()}`];
  const send = async (words: Words): Promise<Sample> => ({
    wall: await timed([...pinned, "sh", "-c", PIPE, "sh", `${BYTES}`, ...words], { env }),
  });
  const { name, once } = contestants[0]!;
  return [{
    id: "piping",
    title: `${BYTES / 1e9} GB through cat, alone and as another program's command, on one processor`,
    base: DIRECT,
    columns: [
      { id: "wall", title: "wall time", unit: "ms" },
      { id: "own", title: "sera's own processor time meanwhile", unit: "ms" },
    ],
    rows: await inTurn({
      [DIRECT]: () => send(["cat"]),
      // Its `true` is a cat. What sera takes beyond it, on a full processor, is the scheduler's doing: sera's command has a
      // session of its own, which the kernel (sched(7), autogroup) gives turns apart from the rest of the pipe.
      [EMPTY]: () => send(programs.empty),
      [name]: async () => ({
        ...await send([...once, "sh", "-c", COPY, note]),
        own: await spent(`${note}.after`) - await spent(`${note}.before`),
      }),
    }, { rounds: Math.min(rounds, MOST_ROUNDS), base: DIRECT }),
  }];
}

/** The number of a processor that we may use. */
async function anyProcessor(): Promise<number> {
  const status = await Deno.readTextFile("/proc/self/status");
  return Number(/^Cpus_allowed_list:\s*(\d+)/m.exec(status)![1]);
}

/** The processor time of all threads in milliseconds, from their lines. proc(5), schedstat */
async function spent(path: string): Promise<number> {
  const lines = (await Deno.readTextFile(path)).trim().split("\n");
  return lines.reduce((sum, line) => sum + Number(line.split(" ")[0]), 0) / 1e6;
}
