/** Runs one file of tests in a process of its own. */

import { stripVTControlCharacters } from "node:util";
import { NOTHING, type Outcome, readReport } from "./outcome.ts";

/** A file of tests that ran. */
export interface Ran {
  readonly outcome: Outcome;
  /** All that its process wrote. */
  readonly output: string;
  /** By the clock on the wall, the start of the process included. */
  readonly seconds: number;
}

/** Shared by the files of one run. */
export interface Shared {
  /** A folder for reports, and for files that are made once for all. */
  readonly folder: string;
  /** What else is in the environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Options of `deno test`. */
  readonly options: readonly string[];
  /** Ends what runs. */
  readonly signal: AbortSignal;
}

/** Lets a test fail that leaves a timer, a request or a socket behind; older versions of Deno do so by themselves. */
export const SANITIZERS: readonly string[] = "sanitizer" in Deno.test ? ["--sanitize-ops", "--sanitize-resources"] : [];

/** After so many milliseconds a file of tests hangs: far more than any takes, also on a slow and busy machine. */
const HANG = 20 * 60_000;

/** How much of the output tells why a file failed outside of its tests. */
const LAST_LINES = 12;

/**
 * Runs the tests of a file, which may borrow servers of the pool that listens there, and says how they went.
 *
 * @param longest After how many milliseconds they are ended, and have failed.
 */
export async function runFile(
  path: string,
  pool: string,
  { folder, env, options, signal }: Shared,
  longest = HANG,
): Promise<Ran> {
  const report = `${folder}/${path.replaceAll("/", "_")}.xml`;
  const started = performance.now();
  const hang = AbortSignal.timeout(longest);
  const child = new Deno.Command(Deno.execPath(), {
    // All files have been checked before the first of them runs.
    args: ["test", "-A", "--no-check", ...SANITIZERS, `--junit-path=${report}`, ...options, path],
    env: { ...env, SERA_TEST_POOL: pool },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.any([signal, hang]),
  }).spawn();
  const output: string[] = [];
  await Promise.all([gather(child.stdout, output), gather(child.stderr, output)]);
  const { success } = await child.status;
  if (hang.aborted) output.push(`\nended after ${longest / 1000} s: a test hangs\n`);
  const said = output.join("");
  return {
    outcome: await judge(path, report, success, said),
    output: said,
    seconds: (performance.now() - started) / 1000,
  };
}

async function gather(stream: ReadableStream<Uint8Array>, output: string[]): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) output.push(text);
}

async function judge(path: string, report: string, success: boolean, output: string): Promise<Outcome> {
  const outside = { file: path, reason: errorsIn(output) };
  let xml: string;
  try {
    xml = await Deno.readTextFile(report);
  } catch (error) {
    // The file could not be loaded, or its process died.
    if (error instanceof Deno.errors.NotFound) return { ...NOTHING, failures: [outside] };
    throw error;
  }
  const outcome = readReport(path, xml);
  // What goes wrong outside of a test, as in afterAll, is in no report.
  return !success && outcome.failures.length === 0 ? { ...outcome, failures: [outside] } : outcome;
}

/** What Deno lists as errors; the end of the output of a process that died before that. */
function errorsIn(output: string): string {
  const text = stripVTControlCharacters(output);
  const [, list] = text.split(" ERRORS \n");
  // What follows are the errors' places once more.
  if (list !== undefined) return list.split(" FAILURES \n")[0]!;
  return text.trimEnd().split("\n").slice(-LAST_LINES).join("\n");
}
