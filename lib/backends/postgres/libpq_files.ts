import { messageOf } from "../../errors.ts";
import type { PostgresSurroundings } from "./server.ts";

/** libpq's files that are not hidden by their own names: in a hidden folder, but for Windows. */
export function userFile(name: string, surroundings: PostgresSurroundings): string | undefined {
  return Deno.build.os === "windows" ? homeFile(name, surroundings) : homeFile(`.postgresql/${name}`, surroundings);
}

/** A file right in what libpq takes for the home folder; undefined if that is not known. */
export function homeFile(name: string, surroundings: PostgresSurroundings): string | undefined {
  if (Deno.build.os !== "windows") return surroundings.home ? `${surroundings.home}/${name}` : undefined;
  const appData = surroundings.env("APPDATA");
  return appData ? `${appData}\\postgresql\\${name}` : undefined;
}

/** What is at a path, symbolic links followed; the words of the error if that cannot be known; undefined if nothing. */
export function look(path: string): Deno.FileInfo | string | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    return whyUnreadable(error);
  }
}

/** Whether there is something at a path, as far as this user can see. */
export function exists(path: string): boolean {
  return typeof look(path) === "object";
}

/** Why a file that is there cannot be read, where this user may not. */
export const DENIED = "permission denied";

/** Why a file could not be read, in few words. */
export function whyUnreadable(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.PermissionDenied) return DENIED;
  return messageOf(error);
}
