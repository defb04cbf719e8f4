/** The commands that prepare a server: `openssl`, `mariadb-install-db` and the like. */

/** How a tool is run. */
export interface ToolOptions {
  /** Its standard input, empty by default. */
  input?: string;
  /** Variables added to its environment. */
  env?: Record<string, string>;
  /** The folder it runs in. */
  cwd?: string;
}

/** Runs a tool to its end. Throws an error with the last lines that it printed if it fails. */
export async function runTool(command: string, args: string[], options: ToolOptions = {}): Promise<void> {
  const child = new Deno.Command(command, {
    args,
    env: options.env,
    cwd: options.cwd,
    stdin: options.input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // A tool that ends without reading all of its input is judged by its status, not by the broken pipe.
  const written = options.input === undefined
    ? Promise.resolve()
    : new Blob([options.input]).stream().pipeTo(child.stdin).catch(() => {});
  const [output] = await Promise.all([child.output(), written]);
  if (output.success) return;
  const text = new TextDecoder();
  throw new Error(
    `${command} ended with status ${output.code}:\n${
      lastLines(text.decode(output.stdout) + text.decode(output.stderr), 15)
    }`,
  );
}

/** The path of a program, looked for in PATH and in the folders of the system's servers; undefined if there is none. */
export function findProgram(name: string): string | undefined {
  if (Deno.build.os === "windows") return undefined;
  // A user's PATH on Debian has no sbin folders.
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return folders.filter((folder) => folder.startsWith("/")).map((folder) => `${folder}/${name}`).find(isFile);
}

/** Whether there is a file of this name. */
export function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** The last lines of a text, blank ones left out. */
export function lastLines(text: string, count: number): string {
  return text.split("\n").filter((line) => line.trim() !== "").slice(-count).join("\n");
}
