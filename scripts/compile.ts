import { PERMISSIONS } from "./permissions.ts";

/**
 * How V8 is to run sera, which computes next to nothing: by interpreting, since compiling to machine code does not pay in
 * a life of milliseconds, and a long one is spent waiting; and without helper threads.
 */
export const V8_FLAGS: readonly string[] = ["--jitless", "--single-threaded"];

/** What to compile. */
export interface Compilation {
  /** The folder of the program's files. */
  readonly folder: string;
  /** The file in it to start with. */
  readonly entry: string;
  /** The binary's absolute path. */
  readonly output: string;
  /** Rust's name of the system to compile for; without it, for this one. */
  readonly target?: string | undefined;
  /** Flags for V8; sera's own if there are none given. */
  readonly v8Flags?: readonly string[] | undefined;
}

/**
 * Compiles a program into a standalone binary with sera's permissions; the same files, runtime and compiler give the same
 * binary bit for bit. The runtime that goes into it is downloaded once for each target, from Deno's own host, except where
 * DENORT_BIN names one.
 *
 * @returns Whether it worked; the compiler has said why not, unless it is to be quiet.
 */
export async function compile(
  { folder, entry, output, target, v8Flags = V8_FLAGS }: Compilation,
  quiet = false,
): Promise<boolean> {
  await forgetTimes(folder);
  const compiler = new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      "--quiet",
      "--no-check",
      "--no-config",
      // The cache would be a file of a predictable name in the temporary folder, read back and trusted at the next start.
      "--no-code-cache",
      ...(v8Flags.length === 0 ? [] : [`--v8-flags=${v8Flags.join(",")}`]),
      ...PERMISSIONS,
      ...(target === undefined ? [] : ["--target", target]),
      "--output",
      output,
      entry,
    ],
    // So that no path of the machine that builds goes into the binary.
    cwd: folder,
    stderr: quiet ? "null" : "inherit",
  });
  return (await compiler.spawn().status).success;
}

/** The binary keeps the files' times of last change, which nobody asks for, and which differ with each build. */
async function forgetTimes(folder: string): Promise<void> {
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (isFile) await Deno.utime(`${folder}/${name}`, 0, 0);
  }
}
