/** Which files of tests there are, and in which order they run. */

import { ROOT } from "../root.ts";

/** A file of tests. */
export interface TestFile {
  /** From the root of the checkout. */
  readonly path: string;
  /** How much there is to read, by which it is guessed how long it runs. */
  readonly size: number;
  /** Whether it runs for longer than its size tells. */
  readonly early: boolean;
  /** Whether nothing else may run at the same time. */
  readonly alone: boolean;
}

/** A file says these of itself, with the reason behind the colon. */
const ALONE = /^\/\/ Runs alone: ./m;
const EARLY = /^\/\/ Starts early: ./m;

/** The test files at or below these paths; those that probably take longest come first. */
export async function testFiles(paths: readonly string[]): Promise<TestFile[]> {
  const found = new Set<string>();
  for (const path of paths) await collect(path.replace(/\/+$/, ""), found);
  const files = await Promise.all([...found].map(describe));
  return files.sort((a, b) => Number(b.early) - Number(a.early) || b.size - a.size || a.path.localeCompare(b.path));
}

async function collect(path: string, found: Set<string>): Promise<void> {
  const { isDirectory } = await Deno.stat(path);
  if (!isDirectory) {
    found.add(fromRoot(path));
    return;
  }
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    if (isDirectory && name !== "node_modules") await collect(`${path}/${name}`, found);
    if (name.endsWith("_test.ts")) found.add(fromRoot(`${path}/${name}`));
  }
}

function fromRoot(path: string): string {
  const whole = Deno.realPathSync(path);
  return whole.startsWith(`${ROOT}/`) ? whole.slice(ROOT.length + 1) : whole;
}

async function describe(path: string): Promise<TestFile> {
  const text = await Deno.readTextFile(path);
  return { path, size: text.length, early: EARLY.test(text), alone: ALONE.test(text) };
}
