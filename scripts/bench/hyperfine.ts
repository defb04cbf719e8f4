import type { Words } from "./words.ts";

/** What hyperfine tells of a command; in milliseconds. */
export interface Timing {
  /** From its start to its end; the median where it ran more than once. */
  readonly wall: number;
  /** Processor time, with that of all that it started and waited for; the mean where it ran more than once. */
  readonly processor: number;
}

/** hyperfine is not installed. */
export class NoHyperfineError extends Error {
  override readonly name = "NoHyperfineError";
  constructor() {
    super("Cannot time commands without hyperfine; install it: apt-get install hyperfine");
  }
}

/**
 * Times a command with https://github.com/sharkdp/hyperfine, without input and output.
 *
 * @throws {NoHyperfineError} When it is not installed.
 * @throws Error When the command fails.
 */
export async function hyperfine(words: Words, runs = 1): Promise<Timing> {
  const options = ["--shell=none", "--style=none", `--runs=${runs}`, "--export-json=/dev/stdout"];
  const { success, stdout, stderr } = await run([...options, words.map(quoted).join(" ")]);
  // The first sentence says what happened, the others advise on hyperfine's options.
  if (!success) throw new Error(`Failed: ${words.join(" ")}: ${new TextDecoder().decode(stderr).split(". ")[0]}`);
  const { results: [{ median, user, system }] } = JSON.parse(new TextDecoder().decode(stdout));
  return { wall: 1000 * median, processor: 1000 * (user + system) };
}

/**
 * Tells at once that hyperfine is missing, not after minutes.
 *
 * @throws {NoHyperfineError}
 */
export async function needHyperfine(): Promise<void> {
  await run(["--version"]);
}

async function run(args: readonly string[]): Promise<Deno.CommandOutput> {
  try {
    return await new Deno.Command("hyperfine", { args: [...args] }).output();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new NoHyperfineError();
    throw error;
  }
}

/** Quotes a command as hyperfine splits it, which is as a shell does. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
