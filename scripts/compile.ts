import { PERMISSIONS } from "./permissions.ts";

/**
 * V8 only interprets sera, and starts no helper threads, since sera computes next to nothing: a short run ends before
 * compiling to machine code would pay, and a long one waits.
 */
export const V8_FLAGS: readonly string[] = ["--jitless", "--single-threaded"];

/** What to compile, and how. */
export interface Compilation {
  /** The folder of the program's files. */
  readonly folder: string;
  /** The file in it to start with. */
  readonly entry: string;
  /** The binary's absolute path. */
  readonly output: string;
  /** Rust's name of the system to compile for; without it, for this one. */
  readonly target?: string | undefined;
  /** Flags for V8; by default those of sera. */
  readonly v8Flags?: readonly string[] | undefined;
}

/**
 * Compiles a program into a standalone binary with sera's permissions; the same files, runtime and compiler give the same
 * binary bit for bit. The runtime that goes into it is downloaded once for each target, from Deno's own host, except where
 * DENORT_BIN names one.
 *
 * @returns Whether it worked; if not, the compiler has said why, unless `quiet`.
 */
export async function compile(
  { folder, entry, output, target, v8Flags = V8_FLAGS }: Compilation,
  quiet = false,
): Promise<boolean> {
  await resetTimes(folder);
  const compiler = new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      "--quiet",
      "--no-check",
      "--no-config",
      // The cache would be a file with a predictable name in the temporary folder, which the next start would trust.
      "--no-code-cache",
      ...(v8Flags.length === 0 ? [] : [`--v8-flags=${v8Flags.join(",")}`]),
      ...PERMISSIONS,
      ...(target === undefined ? [] : ["--target", target]),
      "--output",
      output,
      entry,
    ],
    // Keeps the paths of the machine that builds out of the binary.
    cwd: folder,
    stderr: quiet ? "null" : "inherit",
  });
  return (await compiler.spawn().status).success;
}

/** The binary contains the files' modification times, which are not needed and would differ with each build. */
async function resetTimes(folder: string): Promise<void> {
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (isFile) await Deno.utime(`${folder}/${name}`, 0, 0);
  }
}
