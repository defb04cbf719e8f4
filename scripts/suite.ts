/**
 * Runs the tests: files side by side, as many as suit the machine, each in a process of its own; then, one by one,
 * those that need quiet. `scripts/test` calls it, having installed what the tests need. Arguments are files, folders and
 * options of `deno test`.
 */

import { ROOT } from "./root.ts";
import { type TestFile, testFiles } from "./suite/files.ts";
import { runFile, SANITIZERS, type Shared } from "./suite/lane.ts";
import { add, NOTHING, type Outcome } from "./suite/outcome.ts";
import { Screen } from "./suite/screen.ts";

/** The maximum memory of a lane's servers and programs, in bytes. */
const LANE_MEMORY = 2 * 2 ** 30;

/** How many lanes share a processor: most tests wait for half of their time. */
const LANES_A_PROCESSOR = 2;

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: readonly string[]): Promise<number> {
  // Where the configuration and the paths of the tests begin.
  Deno.chdir(ROOT);
  // The word after an option is its value, unless there is a file or folder of that name.
  const isOption = (word: string, index: number) =>
    word.startsWith("-") || args[index - 1]?.startsWith("--") === true && !isThere(word);
  const options = args.filter(isOption);
  const paths = args.filter((word, index) => !isOption(word, index));
  const missing = paths.filter((path) => !isThere(path));
  if (missing.length > 0) return refuse(`there is no ${missing.join(", ")}; give files or folders of tests`);
  const files = await testFiles(paths.length > 0 ? paths : ["tests"]);
  if (files.length === 0) return refuse(`there are no tests in ${paths.join(", ")}; their files end in _test.ts`);
  const [only] = files;
  if (only !== undefined && files.length === 1) return await deno(["test", "-A", ...SANITIZERS, ...options, only.path]);
  const checked = await deno(["check", "--quiet", ...files.map(({ path }) => path)]);
  return checked === 0 ? await runAll(files, options) : checked;
}

function refuse(why: string): number {
  console.error(`scripts/test: ${why}`);
  return 2;
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Runs Deno as if it were this process. */
async function deno(args: readonly string[]): Promise<number> {
  const { code } = await new Deno.Command(Deno.execPath(), { args: [...args] }).spawn().status;
  return code;
}

async function runAll(files: readonly TestFile[], options: readonly string[]): Promise<number> {
  const folder = await Deno.makeTempDir({ prefix: "sera-tests-" });
  // Servers run as another user than root, and pass through it.
  await Deno.chmod(folder, 0o711);
  await using _removed = removeAtExit(folder);
  Deno.env.set("SERA_TEST_TEMPLATES", `${folder}/templates`);
  const screen = new Screen(files.length);
  const stop = new AbortController();
  const shared = { folder, env: await program(folder), options, signal: stop.signal };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => stop.abort(signal));
  }
  let sum = await runLanes(files.filter(({ alone }) => !alone), lanesHere(), shared, screen);
  sum = add(sum, await runLanes(files.filter(({ alone }) => alone), 1, shared, screen));
  screen.sums(sum);
  return sum.failures.length > 0 || stop.signal.aborted ? 1 : 0;
}

/** How many files at a time suit this machine. */
function lanesHere(): number {
  const fit = Math.floor(Deno.systemMemoryInfo().total / LANE_MEMORY);
  return Math.max(1, Math.min(LANES_A_PROCESSOR * navigator.hardwareConcurrency, fit));
}

/** The sera that the tests start: the binary in SERA_TEST_BINARY, or else a bundle as in a binary. */
async function program(folder: string): Promise<Record<string, string>> {
  if (Deno.env.get("SERA_TEST_BINARY")) return {};
  const { bundle } = await import("./bundle.ts");
  return { SERA_TEST_BUNDLE: (await bundle(`${folder}/bundle`)).entry };
}

/** Runs files in so many lanes: a lane takes the next one as soon as it is free. */
async function runLanes(
  files: readonly TestFile[],
  lanes: number,
  shared: Shared,
  screen: Screen,
): Promise<Outcome> {
  // Its drivers are of no use where one file runs.
  const { Pool } = await import("../tests/servers/pool.ts");
  let sum = NOTHING;
  const left = [...files];
  const lane = async () => {
    const path = `${await Deno.makeTempDir({ dir: shared.folder })}/pool`;
    await using _pool = new Pool(path);
    for (let file = left.shift(); file !== undefined && !shared.signal.aborted; file = left.shift()) {
      screen.starts(file.path);
      const ran = await runFile(file.path, path, shared);
      screen.ends(file.path, ran);
      sum = add(sum, ran.outcome);
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, files.length) }, lane));
  return sum;
}

/**
 * A folder that goes when this process ends, however it ends: a shell waits for the end of the pipe that only this
 * process holds open.
 */
function removeAtExit(folder: string): AsyncDisposable {
  const shell = new Deno.Command("sh", {
    args: ["-c", "trap '' HUP INT QUIT TERM; read -r _; rm -rf -- \"$1\"", "sh", folder],
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
  return {
    async [Symbol.asyncDispose]() {
      await shell.stdin.close();
      await shell.status;
    },
  };
}
