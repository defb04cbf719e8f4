/** Options for running a program. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Its stdin, empty by default. */
  readonly stdin?: string;
}

/**
 * Runs a program to its end.
 *
 * @returns Its stdout.
 * @throws Error with its output if it fails, and what to do if it is not installed.
 */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { cwd, env, stdin } = options;
  const child = spawn(program, {
    args: [...args],
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env: { ...env } }),
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  });
  if (stdin !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(stdin));
    await writer.close();
  }
  const { success, code, stdout, stderr } = await child.output();
  const [said, complained] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
  if (!success) throw new Error(`${program} ended with ${code}:\n${said}${complained}`.trimEnd());
  return said;
}

function spawn(program: string, options: Deno.CommandOptions): Deno.ChildProcess {
  try {
    return new Deno.Command(program, options).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new Error(`Cannot run: ${program}; install it`, { cause: error });
    throw error;
  }
}
