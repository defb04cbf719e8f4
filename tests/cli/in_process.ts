/**
 * sera without a process of its own, for what ends before anything is locked or started: what its words, variables and
 * files are taken for, and what it refuses.
 */

import { run } from "../../lib/cli.ts";
import { processIo } from "../../lib/io.ts";
import { type Need, testWith } from "./needs.ts";
import type { Place } from "./place.ts";
import { complete, type ProgramOptions } from "./program.ts";
import type { Ended } from "./running.ts";
import { HANG } from "./wait.ts";

/** stdin for runs that do not read it. */
export type InProcessOptions = Omit<ProgramOptions, "stdin">;

/** Defines a test that fails for what sera leaves to the end of its process: timers, signals listened to, children, files. */
export function testInProcess(name: string, fn: () => Promise<void>, needs: readonly Need[] = []): void {
  // From 2.8 on, Deno checks for leaks only if told to.
  testWith(needs, name, fn, { sanitizeOps: true, sanitizeResources: true, sanitizeExit: true });
}

/** Runs sera to its end, as `sera` of program.ts does it, but in this process. */
export async function seraInProcess(args: readonly string[], options: InProcessOptions = {}): Promise<Ended> {
  const { env, cwd } = complete(options);
  let stdout = "", stderr = "";
  using _environment = environmentOf(env);
  using _folder = workingIn(cwd);
  using _listeners = restoreListeners();
  const code = await withTimeout(run(args, {
    env: processIo.env,
    out: (text) => void (stdout += text),
    err: (text) => void (stderr += text),
  }));
  return { code, stdout, stderr };
}

/** Runs sera to its end with what every sera of the place gets, but in this process. */
export function inProcess(place: Place, args: readonly string[], options: InProcessOptions = {}): Promise<Ended> {
  return seraInProcess(args, place.complete(options));
}

async function withTimeout<T>(run: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`still ran after ${HANG / 1000} s`)), HANG);
  try {
    return await Promise.race([run, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Gives this process another environment; undefined leaves a variable out. */
function environmentOf(env: Readonly<Record<string, string | undefined>>): Disposable {
  const before = Deno.env.toObject();
  set(env);
  return { [Symbol.dispose]: () => set(before) };
}

function set(env: Readonly<Record<string, string | undefined>>): void {
  for (const name of Object.keys(Deno.env.toObject())) if (env[name] === undefined) Deno.env.delete(name);
  for (const [name, value] of Object.entries(env)) if (value !== undefined) Deno.env.set(name, value);
}

function workingIn(folder: string | undefined): Disposable {
  const before = Deno.cwd();
  if (folder !== undefined) Deno.chdir(folder);
  return { [Symbol.dispose]: () => Deno.chdir(before) };
}

/** sera handles uncaught errors until its process ends; after a run in this process they are the test's again. */
function restoreListeners(): Disposable {
  const added: Parameters<typeof addEventListener>[] = [];
  const { addEventListener } = globalThis;
  globalThis.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    added.push(args);
    addEventListener(...args);
  };
  return {
    [Symbol.dispose]() {
      globalThis.addEventListener = addEventListener;
      for (const [type, listener] of added) removeEventListener(type, listener);
    },
  };
}
