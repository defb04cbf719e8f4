import { CommandStartError, messageOf, type Trouble } from "../errors.ts";
import { isPath, pathOr } from "../text/redaction.ts";
import { statIfSeen } from "../system/if_there.ts";
import { systemCure } from "../system/limits.ts";
import { whatWasMeant } from "./meant_command.ts";
import { beginningOf, isFile, programFile, searchPath } from "./program_file.ts";
import type { RefusedStartError } from "./spawn.ts";

const NO_PATH = { what: "PATH is not set", cure: "give the full path" };

/** The error for a command that the system did not start. */
export function notStarted({ program, cause }: RefusedStartError): CommandStartError {
  const shown = isPath(program) ? program : program && pathOr(program);
  const { what, cure } = whyNotStarted(program, cause);
  return new CommandStartError(`Cannot start the command: ${shown || '""'}: ${what}`, cure);
}

/**
 * Why a command could not be started, and what to do about it.
 *
 * @param program The first of its words.
 * @param error The error that the runtime threw.
 */
function whyNotStarted(program: string, error: unknown): Trouble {
  if (!canStayHere()) return { what: "the working directory cannot be entered", cure: "change to another one first" };
  const path = programFile(program);
  if (error instanceof Deno.errors.PermissionDenied) {
    if (isFolder(path ?? program)) return { what: "is a directory", cure: "give the path of a program" };
    return isExecutable(path ?? program)
      ? {
        what: "permission denied",
        cure: "check that this user may run it, and that its file system is not mounted noexec",
      }
      : { what: "permission denied", cure: "make it executable" };
  }
  const isOnTheWay = error instanceof Deno.errors.NotADirectory || error instanceof Deno.errors.FilesystemLoop;
  if (isOnTheWay && path !== undefined && isFile(path)) {
    return {
      what: `${messageOf(error)}, on the way to the interpreter that its first line names`,
      cure: "correct that line",
    };
  }
  const limit = systemCure(error);
  if (limit !== undefined) return { what: messageOf(error), cure: limit };
  const misread = path === undefined && !isOnTheWay ? whatWasMeant(program) : undefined;
  if (misread !== undefined) return misread;
  if (/no path to search/.test(messageOf(error))) return NO_PATH;
  if (!(error instanceof Deno.errors.NotFound)) return { what: messageOf(error), cure: cureOf(error) };
  if (path !== undefined) return whyNotFound(path);
  if (program.includes("/")) return { what: "no such file", cure: "check the path" };
  if (isFile(program)) {
    return { what: "not found in PATH", cure: `to run the one in the working directory write ./${program}` };
  }
  const search = searchPath();
  // On other systems PATH cannot be read.
  if (search === undefined && Deno.build.os === "linux") return NO_PATH;
  return search === ""
    ? { what: "PATH is empty", cure: "give the full path" }
    : { what: "not found in PATH", cure: "cron sets a short PATH: give the full path" };
}

function cureOf(error: unknown): string {
  const { code } = Object(error) as { readonly code?: unknown };
  if (code === "E2BIG") return "pass fewer or shorter arguments, or put them into a file";
  return code === "ENOEXEC" ? "use a program that is built for this machine" : "check the path";
}

/** Why the system reports an existing file as not found: it is not executable, or its interpreter or loader is missing. */
function whyNotFound(path: string): Trouble {
  if (!isExecutable(path) && isFile(path)) return { what: `not executable, ${path}`, cure: "make it executable" };
  if (statIfSeen(path) === undefined) {
    return { what: "it is a link to a file that does not exist", cure: "correct the link" };
  }
  const beginning = beginningOf(path) ?? "#!";
  if (/^#![^\n]*\r\n/.test(beginning)) {
    return {
      what: "its first line ends in a carriage return, which counts as a part of the interpreter's name",
      cure: "remove them with sed -i 's/\\r$//' and the file",
    };
  }
  return beginning.startsWith("#!")
    ? { what: "the interpreter that its first line names was not found", cure: "correct that line" }
    : { what: "the loader that it needs was not found", cure: "use a build for this system" };
}

/** Whether the working directory can be entered; Deno makes every command change to it. */
function canStayHere(): boolean {
  try {
    Deno.chdir(Deno.cwd());
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}

function isFolder(path: string): boolean {
  return statIfSeen(path)?.isDirectory ?? false;
}

function isExecutable(path: string): boolean {
  return ((statIfSeen(path)?.mode ?? 0) & 0o111) !== 0;
}
