import { parseArgs } from "node:util";
import { messageOf } from "../../lib/errors.ts";

/** The parts of the bench, in the order in which they run, and what each measures. */
export const PARTS = {
  overhead: "`sera 0 true`: wall time, processor time, peak memory, beside an empty program and flock(1)",
  start: "where the time of one run goes",
  handoff: "from the holder's end, or death, to the start of the waiter's command",
  throughput: "how many commands a second pass one lock, from 1 to 8 nodes",
  staircase: "1 to 100 waiters for one lock: memory, wake-ups, load on the server, time until all have run",
  slots: "100 waiters for 4 slots beside 4 plain locks with 25 waiters each, and what a slot costs one run",
  roundtrips:
    "the round trips of a run to a server that is far away, beside what sera replaces, as far as it is in PATH",
  sizes: "bytes of the binary, and of what a run loads",
} as const;

/** The name of a part. */
export type PartName = keyof typeof PARTS;

/** The bench's options. */
export interface BenchOptions {
  /** How often each thing is measured, not counting a first time that only fills the caches. */
  readonly rounds: number;
  readonly parts: readonly PartName[];
  /** Whether to print one JSON object instead of tables. */
  readonly json: boolean;
  readonly help: boolean;
}

/** The arguments cannot be used; the message is one line. */
export class BenchUsageError extends Error {
  override readonly name = "BenchUsageError";
}

/** What `--help` prints. */
export const HELP = `Measures what sera costs: deno task bench [--rounds N] [--only PART,PART] [--json]

Builds sera, starts private servers, and prints medians, the quartiles around them, and ratios. It alternates the
programs that it compares, so that a busy machine slows all alike. A ratio is the median of the rounds' ratios. Needs
Linux and hyperfine, and uses the servers that are installed. Takes some minutes, during which the machine should be
idle.

  --rounds N    how often each thing is measured (default 25); slow things are measured less often
  --only PARTS  only these parts, with commas between them
  --json        print one JSON object, and nothing else, on stdout; scripts/bench/graph.ts draws it
  --help        print this

Parts:
${Object.entries(PARTS).map(([name, what]) => `  ${name.padEnd(12)}${what}\n`).join("")}`;

/**
 * Reads the bench's arguments.
 *
 * @throws {BenchUsageError} When they cannot be used.
 */
export function readOptions(args: readonly string[]): BenchOptions {
  const { rounds, only, json, help } = parse(args);
  if (!/^[1-9]\d{0,3}$/.test(rounds)) {
    throw new BenchUsageError(`Cannot measure that often: --rounds ${rounds}; expected 1 to 9999`);
  }
  const known = Object.keys(PARTS) as PartName[];
  const asked = only?.split(",").map((name) => name.trim());
  const unknown = asked?.find((name) => !known.some((part) => part === name));
  if (unknown !== undefined) {
    throw new BenchUsageError(`Cannot measure: --only ${unknown}; expected some of ${known.join(",")}`);
  }
  return { rounds: Number(rounds), parts: known.filter((part) => asked?.includes(part) ?? true), json, help };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        rounds: { type: "string", default: "25" },
        only: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    // Further lines are only suggestions.
    const [what] = messageOf(error).split(/\.?(?:\n|$)/);
    throw new BenchUsageError(`${what}; see deno task bench --help`);
  }
}
