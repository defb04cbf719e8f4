import { CommandStartError, messageOf, type Trouble } from "../errors.ts";
import { statIfSeen } from "../system/if_there.ts";
import { systemCure } from "../system/limits.ts";

const BASH = "/bin/bash";
const SH = "/bin/sh";
const NULL_DEVICE = "/dev/null";

/**
 * Starts the helper shell that runs alongside the command, see `HelperShell`.
 *
 * @param timed Whether it must keep a time limit, which needs bash.
 * @param inGroup Whether it must be in sera's process group.
 * @param script The script to run.
 * @returns Undefined if there is no shell.
 * @throws {CommandStartError} When there is a shell, but it cannot be started.
 */
export function startShell(timed: boolean, inGroup: boolean, script: string): Deno.ChildProcess | undefined {
  const shell = shellFor(timed);
  try {
    return new Deno.Command(shell, {
      args: ["-c", script],
      cwd: "/",
      clearEnv: true,
      detached: !inGroup,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && !statIfSeen(shell)) return undefined;
    if (!(error instanceof Error)) throw error;
    const { what, cure } = nullTrouble() ??
      { what: messageOf(error), cure: systemCure(error) ?? `repair ${shell}, or put a shell there` };
    throw new CommandStartError(
      `Cannot start ${shell}, the helper shell that kills the command if sera is killed: ${what}`,
      cure,
    );
  }
}

/** The path of the shell to start. */
export function shellFor(timed: boolean): string {
  return timed && statIfSeen(BASH) ? BASH : SH;
}

/** What is wrong with /dev/null, which the shell gets as stderr; undefined if nothing is. */
function nullTrouble(): Trouble | undefined {
  if (!statIfSeen(NULL_DEVICE)) {
    return { what: `there is no ${NULL_DEVICE}`, cure: "create it: mknod -m 666 /dev/null c 1 3" };
  }
  try {
    Deno.openSync(NULL_DEVICE, { write: true }).close();
    return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) {
      return { what: `this user may not use ${NULL_DEVICE}`, cure: "chmod 666 it" };
    }
    if (error instanceof Error) return undefined;
    throw error;
  }
}
