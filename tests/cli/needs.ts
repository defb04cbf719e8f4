/** Tests that need something that not every machine has. Those that are left out say why. */

import { PROGRAM } from "./program.ts";

/** Something that a test may need: undefined when it is there, else why it is not. */
export type Need = string | undefined;

/** Defines a test that is skipped, with a line that says why, if a requirement is missing. */
export function testWith(
  needs: readonly Need[],
  name: string,
  fn: () => Promise<void> | void,
  options: Omit<Deno.TestDefinition, "name" | "fn"> = {},
): void {
  const missing = needs.find((need) => need !== undefined);
  if (missing !== undefined) console.log(`left out: ${name}: ${missing}`);
  Deno.test({ ...options, name, ignore: missing !== undefined, fn });
}

/** Linux's /proc, and what only Linux does. */
export const linux: Need = Deno.build.os === "linux" ? undefined : "this is not Linux";

/** The rights of root. */
export const root: Need = Deno.build.os !== "windows" && Deno.uid() === 0 ? undefined : "this is not root";
export const isRoot = root === undefined;

/** A program in PATH that does something harmless with these arguments. */
export function tool(name: string, ...args: string[]): Need {
  try {
    const { success, stderr } = new Deno.Command(name, { args, stdin: "null", stdout: "null", stderr: "piped" })
      .outputSync();
    if (success) return undefined;
    const [why] = new TextDecoder().decode(stderr).trim().split("\n");
    return `${name} does not work here: ${why}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return `there is no ${name}`;
    throw error;
  }
}

/** A terminal of one's own, from util-linux's script(1). */
export const terminal: Need = linux ?? tool("script", "-qec", "true", "/dev/null");

/** A namespace of process ids. */
export const pidNamespace: Need = linux ?? tool("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "true");

/** A namespace of mounts. */
export const mountNamespace: Need = root ?? linux ?? tool("unshare", "--mount", "true");

/**
 * Another user, for root to become with setpriv(1), who can reach the program. Through a shell, since setpriv itself still
 * reaches what root can.
 */
export const anotherUser: Need = root ?? linux ??
  tool("setpriv", ...asNobody(["sh", "-c", '"$@"', "sh", ...PROGRAM, "--version"]));

/** The arguments that let setpriv(1) run words as a user without any rights. */
export function asNobody(words: readonly string[]): string[] {
  return ["--reuid=65534", "--regid=65534", "--clear-groups", ...words];
}

/** A group that the tests share folders with. No account has the number. */
export const SHARING_GROUP = 61_000;

/** The arguments that let setpriv(1) run words as a user who is in that group, but has another one of its own. */
export function asMember(uid: number, words: readonly string[]): string[] {
  return [`--reuid=${uid}`, `--regid=${uid}`, `--groups=${SHARING_GROUP}`, ...words];
}
