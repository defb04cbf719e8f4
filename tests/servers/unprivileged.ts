/** Servers that refuse to run as root, run by a user who may do nothing instead. */

import { findProgram, runTool } from "./tool.ts";

/** Whether the tests run as root, so that such a server needs another user. */
const asRoot = Deno.build.os === "linux" && Deno.uid() === 0;

/** `nobody` and its group. */
const NOBODY = 65534;

const setpriv = findProgram("setpriv");

/** Why a server that refuses to run as root cannot be started here, if so. */
export const unprivilegedUnavailable: string | undefined = asRoot && !setpriv
  ? "setpriv, of util-linux, was not found"
  : undefined;

/** The command, to be run by a user other than root. It runs in the process that is started, without one between. */
export function unprivileged(command: string[]): string[] {
  if (!asRoot) return command;
  return [setpriv!, `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", ...command];
}

/** Gives files, and folders with all that is in them, to that user. */
export async function chownToNobody(...paths: string[]): Promise<void> {
  if (asRoot) await runTool("chown", ["-R", `${NOBODY}:${NOBODY}`, ...paths]);
}

/** Whether that user can run a program: its folder may be closed to everybody but us. */
export async function canRun(program: string): Promise<boolean> {
  if (!asRoot) return true;
  const [command = "", ...args] = unprivileged(["test", "-x", program]);
  return (await new Deno.Command(command, { args, cwd: "/" }).output()).success;
}
