/** The program under test, started as its users start it. */

import { V8_FLAGS } from "../../scripts/compile.ts";
import { type Ended, Running, runToEnd, type StartOptions } from "./running.ts";

const ROOT = Deno.realPathSync(`${import.meta.dirname}/../..`);

/** Where sera's sources begin. */
export const MAIN = `${ROOT}/main.ts`;

/** The permissions of the program when it runs from source; `scripts/sera` gives the same. */
export const PERMISSIONS: readonly string[] = [
  "--no-prompt",
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-run",
  "--allow-env",
  "--allow-sys",
];

const binary = Deno.env.get("SERA_TEST_BINARY");

/** The file to start of a bundle, which is what a binary is compiled from; scripts/suite.ts makes one for all tests. */
const bundle = Deno.env.get("SERA_TEST_BUNDLE");

/** Whether a compiled program is tested, the one that SERA_TEST_BINARY names. */
export const isCompiled = Boolean(binary);

/** The words that start sera: the binary, the bundle, or the sources. */
export const PROGRAM: readonly string[] = binary
  ? [Deno.realPathSync(binary)]
  : bundle
  ? deno(["--no-config", `--v8-flags=${V8_FLAGS.join(",")}`], bundle)
  : fromSource(MAIN);

/** The words that start a sera from its sources. */
export function fromSource(main: string, permissions = PERMISSIONS): string[] {
  return deno(["--config", `${ROOT}/deno.json`], main, permissions);
}

function deno(options: readonly string[], main: string, permissions = PERMISSIONS): string[] {
  return [Deno.execPath(), "run", "--quiet", ...options, ...permissions, main];
}

/** How sera is started; the environment holds nothing but this and what every program needs. */
export type ProgramOptions = Partial<StartOptions>;

/** Runs sera to its end. */
export function sera(args: readonly string[], options: ProgramOptions = {}): Promise<Ended> {
  return runToEnd([...PROGRAM, ...args], complete(options));
}

/** Starts sera; dispose of it. */
export function startSera(args: readonly string[], options: ProgramOptions = {}): Running {
  return new Running([...PROGRAM, ...args], complete(options));
}

/** Adds what every program needs to the options. */
export function complete(options: ProgramOptions): StartOptions {
  return { ...options, env: { ...baseEnvironment(), ...options.env } };
}

/** Where Deno finds its cache in an environment whose HOME is another one. */
export function cacheOfDeno(): Record<string, string> {
  const home = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
  return { DENO_DIR: Deno.env.get("DENO_DIR") ?? `${home}/deno` };
}

function baseEnvironment(): Record<string, string | undefined> {
  return {
    PATH: Deno.env.get("PATH"),
    // One way to count characters and to word messages, whatever the caller's is.
    LC_ALL: "C.UTF-8",
    SHELL: "/bin/sh",
    ...isCompiled ? {} : cacheOfDeno(),
  };
}
