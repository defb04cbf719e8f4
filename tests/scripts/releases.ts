/** What `scripts/package.ts` makes, for the tests of it. */

import { binaryName } from "../../scripts/targets.ts";
import { ROOT } from "../../scripts/root.ts";
import { linux, type Need, tool } from "../cli/needs.ts";
import type { Ended } from "../cli/running.ts";

/** The target of this machine. */
export const TARGET = Deno.build.target;

/** The programs that make a release. */
export const packaging: Need = linux ?? tool("tar", "--version") ?? tool("zip", "-v") ??
  tool("dpkg-deb", "--version") ??
  tool("readelf", "--version");

/**
 * A program to package: the compiled one if it is tested, else one that is as good for that, since it is a real program of
 * this machine, and takes any arguments.
 */
export const BINARY = Deno.env.get("SERA_TEST_BINARY") ?? "/bin/echo";

/** When the releases of the tests were made. */
export const DATE = 1_700_000_000;

/** Runs a script as the workflows do; it may take as long as it needs to compress a real binary. */
export async function runScript(
  name: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", `${ROOT}/scripts/${name}`, ...args],
    env: { NO_COLOR: "1", ...env },
    cwd: "/",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/**
 * Packages a binary for this machine, and one for Windows if there is another for that.
 *
 * @param folder Where to do so.
 * @returns The folder with the published files.
 */
export async function makeRelease(
  folder: string,
  { binary, windows, env = {} }: {
    readonly binary: string;
    readonly windows?: string;
    readonly env?: Readonly<Record<string, string>>;
  },
): Promise<string> {
  await Deno.copyFile(binary, `${folder}/${binaryName(TARGET)}`);
  if (windows !== undefined) await Deno.copyFile(windows, `${folder}/${binaryName("x86_64-pc-windows-msvc")}`);
  const { code, stderr } = await runScript("package.ts", ["--dist", folder, "--repository", "Owner/sera", "--fast"], {
    SOURCE_DATE_EPOCH: `${DATE}`,
    ...env,
  });
  if (code !== 0) throw new Error(`scripts/package.ts ended with ${code}: ${stderr}`);
  return `${folder}/release`;
}

/** A private folder for a test; disposing of it removes it. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir({ prefix: "sera-release-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** The paths of all files below a folder, sorted. */
export function filesBelow(folder: string): string[] {
  const below = (path: string): string[] =>
    [...Deno.readDirSync(`${folder}/${path}`)].flatMap(({ name, isDirectory }) =>
      isDirectory ? below(`${path}${name}/`) : [`${path}${name}`]
    );
  return below("").sort();
}

/** A release that is made before the first test of a file, and removed after the last. */
export interface UsedRelease {
  /** Why there is none. */
  readonly need: Need;
  /** The folder with the published files. */
  readonly folder: string;
}

/** Has the tests of a file use one release, of {@linkcode BINARY}. */
export function useRelease(): UsedRelease {
  const used = { need: packaging, folder: "" };
  let place: Awaited<ReturnType<typeof temporaryFolder>> | undefined;
  Deno.test.beforeAll(async () => {
    if (packaging !== undefined) return;
    place = await temporaryFolder();
    used.folder = await makeRelease(place.path, { binary: BINARY });
  });
  Deno.test.afterAll(async () => await place?.[Symbol.asyncDispose]());
  return used;
}
