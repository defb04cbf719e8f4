/**
 * Prints which shared libraries a Linux binary needs, and the oldest glibc that it runs on: `scripts/glibc.ts BINARY…`.
 *
 * @module
 */
import { run } from "./run.ts";

/** A binary's requirements. */
export interface Needs {
  /** The names of the shared libraries. */
  readonly libraries: readonly string[];
  /** The oldest glibc that has all symbols, such as `2.27`. */
  readonly glibc: string;
}

/**
 * Reads what an ELF binary of any architecture needs. Needs readelf.
 *
 * @throws Error if it is no ELF binary, or does not need glibc.
 */
export async function needsOf(binary: string): Promise<Needs> {
  const text = await run("readelf", ["--wide", "--dynamic", "--version-info", binary], { env: { LC_ALL: "C" } });
  const libraries = [...text.matchAll(/\(NEEDED\) +Shared library: \[(.*)\]/g)].map(([, name]) => name!);
  const versions = [...text.matchAll(/ Name: GLIBC_(\d+(?:\.\d+)+) /g)].map(([, version]) => version!);
  const glibc = versions.reduce<string | undefined>((a, b) => a !== undefined && isOlder(b, a) ? a : b, undefined);
  if (glibc === undefined) throw new Error(`Not a program that needs glibc: ${binary}`);
  return { libraries, glibc };
}

/** Whether a version such as `2.9` is older than another such as `2.27`. */
export function isOlder(a: string, b: string): boolean {
  const [left, right] = [a, b].map((version) => version.split(".").map(Number)) as [number[], number[]];
  const at = left.findIndex((part, index) => part !== (right[index] ?? 0));
  return at === -1 ? left.length < right.length : left[at]! < (right[at] ?? 0);
}

if (import.meta.main) {
  for (const binary of Deno.args) {
    const { glibc, libraries } = await needsOf(binary);
    console.log(`${binary}: glibc ${glibc} or newer; ${libraries.join(", ")}`);
  }
}
