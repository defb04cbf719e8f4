import { CommandStartError, messageOf } from "../errors.ts";
import { isPath, pathOr } from "../harmless.ts";
import { systemCure } from "../system_cure.ts";
import type { RefusedStartError } from "./spawn.ts";

/** The error that tells of a command which the system did not start. */
export function notStarted({ program, cause }: RefusedStartError): CommandStartError {
  const shown = isPath(program) ? program : program && pathOr(program);
  return new CommandStartError(`Cannot start the command: ${shown || '""'}: ${whyNotStarted(program, cause)}`);
}

/**
 * Why a command could not be started, and what to do about it.
 *
 * @param program The first of its words.
 * @param error What the runtime threw.
 */
function whyNotStarted(program: string, error: unknown): string {
  if (!canStayHere()) return "the working directory cannot be entered; change to another one first";
  if (error instanceof Deno.errors.PermissionDenied) {
    if (isFolder(program)) return "is a directory; give the path of a program";
    return isExecutable(program)
      ? "permission denied; check that this user may run it, and that it is on no file system that is mounted noexec"
      : "permission denied; make it executable";
  }
  const isOfInterpreter = error instanceof Deno.errors.NotADirectory || error instanceof Deno.errors.FilesystemLoop;
  if (isOfInterpreter && isPlain(program)) {
    return `${messageOf(error)}, on the way to the interpreter that its first line names; correct that line`;
  }
  if (/no path to search/.test(messageOf(error))) return "PATH is not set; give the whole path";
  if (!(error instanceof Deno.errors.NotFound)) return `${messageOf(error)}; ${systemCure(error) ?? "correct that"}`;
  const misread = whatWasMeant(program);
  if (misread !== undefined) return misread;
  if (!program.includes("/")) return "not found in PATH; cron's is short, give the whole path";
  return exists(program)
    ? "the interpreter that its first line names was not found; correct that line"
    : "no such file; check the path";
}

/** Why the name is that of no program, where it looks like something else; undefined where it does not. */
function whatWasMeant(program: string): string | undefined {
  if (exists(program)) return undefined;
  if (program.startsWith("-")) return "not found; flags of sera belong before the wait";
  if (/^(["'`]).*\1$/s.test(program)) return "not found; the quotes are a part of the word, leave them out";
  if (/^\w+=/.test(program)) return "not found; it sets a variable, set variables before sera";
  if (/\s/.test(program.trim())) {
    return "not found, with the arguments in one word; leave the quotes around them out, or run sh -c and the text";
  }
  return /^(?:\.|alias|cd|eval|exec|export|set|source|ulimit|umask|unset|[!{([]|if|for|while|case)$/.test(program)
    ? "not found; it is a word of the shell, run sh -c and the text"
    : undefined;
}

/** Whether a process can be in the working directory; the runtime makes every command change to it. */
function canStayHere(): boolean {
  try {
    Deno.chdir(Deno.cwd());
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}

function exists(path: string): boolean {
  return lstat(path) !== undefined;
}

function isPlain(path: string): boolean {
  return lstat(path)?.isFile ?? false;
}

function isFolder(path: string): boolean {
  return lstat(path)?.isDirectory ?? false;
}

function isExecutable(path: string): boolean {
  return ((lstat(path)?.mode ?? 0) & 0o111) !== 0;
}

function lstat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}
