/** Settings, resolved as sera does it, from where a test gives them. */

import assert from "node:assert/strict";
import { resolveSettings } from "../../lib/settings/resolve.ts";
import type { Settings } from "../../lib/settings/settings.ts";

/** Defines a test. Once sera has looked at its own process, it listens for the ends of its children for good. */
export function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
}

export const MYSQL = "sera:secret@tcp(db.example.org)/";
export const MYSQL_WITH_DATABASE = "sera:secret@tcp(db.example.org)/jobs";
export const POSTGRES = "postgres://sera:secret@db.example.org/jobs";
/** Where nothing else is said. */
export const FILE = "file:/nowhere";

export type Flags = Readonly<Record<string, string>>;

/** Where settings are given. */
export interface Given {
  readonly flags?: Flags;
  readonly env?: Readonly<Record<string, string>>;
  readonly file?: Readonly<Record<string, unknown>>;
}

/** The settings; a file: server, unless one is given. */
export async function resolve({ flags = {}, env = {}, file }: Given): Promise<Settings> {
  const path = await Deno.makeTempFile({ prefix: "sera-", suffix: ".json" });
  try {
    await Deno.writeTextFile(path, JSON.stringify({ server: FILE, ...file }));
    const variables = { SERA_CONFIG: path, ...env } as Record<string, string>;
    return await resolveSettings(new Map(Object.entries(flags)), (name) => variables[name], true);
  } finally {
    await Deno.remove(path);
  }
}

/** Settings that are given as flags. */
export function withFlags(flags: Flags, server = FILE): Promise<Settings> {
  return resolve({ flags: { server, ...flags } });
}

/** The error with which they are refused. */
export async function refusal(given: Given): Promise<{ kind: unknown; message: string }> {
  try {
    await resolve(given);
  } catch (error) {
    assert.ok(error instanceof Error);
    assert.doesNotMatch(error.message, /secret/);
    return { kind: error.constructor, message: error.message };
  }
  throw new Error(`taken: ${JSON.stringify(given)}`);
}
