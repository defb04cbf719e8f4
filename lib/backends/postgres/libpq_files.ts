import { messageOf } from "../../errors.ts";
import type { PostgresSurroundings } from "./server.ts";

/**
 * The path of a file in libpq's folder: `~/.postgresql`, or on Windows `%APPDATA%\postgresql`; undefined if unknown.
 */
export function userFile(name: string, surroundings: PostgresSurroundings): string | undefined {
  return Deno.build.os === "windows" ? homeFile(name, surroundings) : homeFile(`.postgresql/${name}`, surroundings);
}

/** The path of a file in the home folder, or on Windows in `%APPDATA%\postgresql`; undefined if unknown. */
export function homeFile(name: string, surroundings: PostgresSurroundings): string | undefined {
  if (Deno.build.os !== "windows") return surroundings.home ? `${surroundings.home}/${name}` : undefined;
  const appData = surroundings.env("APPDATA");
  return appData ? `${appData}\\postgresql\\${name}` : undefined;
}

/**
 * What is at a path, following symbolic links; undefined if nothing, or the reason in a few words if that is unknown.
 */
export function statFile(path: string): Deno.FileInfo | string | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    return whyUnreadable(error);
  }
}

/** Whether there is something at a path, as far as this user can see. */
export function exists(path: string): boolean {
  return typeof statFile(path) === "object";
}

/** The reason where this user may not read a file. */
export const DENIED = "permission denied";

/** Why a file could not be read, in a few words. */
export function whyUnreadable(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.PermissionDenied) return DENIED;
  return messageOf(error);
}
