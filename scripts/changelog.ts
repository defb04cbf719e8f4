import { ROOT } from "./root.ts";

/** One version's part of CHANGELOG.md. */
export interface Entry {
  /** The day of the release, such as `2026-11-22`. */
  readonly day: string;
  /** The text below its heading. */
  readonly notes: string;
}

/**
 * Reads a version's part of a changelog in the form of https://keepachangelog.com.
 *
 * @throws Error if it has none, or only an empty one.
 */
export function entryOf(version: string, changelog: string): Entry {
  const lines = changelog.split("\n");
  const heading = `## [${version}] - `;
  const begin = lines.findIndex((line) => line.startsWith(heading));
  const after = lines.slice(begin + 1);
  const end = after.findIndex((line) => /^## |^\[[^\]]+\]: /.test(line));
  const notes = after.slice(0, end === -1 ? after.length : end).join("\n").trim();
  if (begin === -1 || notes === "") throw new Error(`No notes in CHANGELOG.md for: ${version}; add "${heading}DATE"`);
  return { day: lines[begin]!.slice(heading.length).trim(), notes };
}

/** Reads the project's CHANGELOG.md. */
export function readChangelog(): Promise<string> {
  return Deno.readTextFile(`${ROOT}/CHANGELOG.md`);
}
