/** The programs that sera replaces, where they are in PATH. */

import { command, type Words } from "./words.ts";

/** Gives the words that lock on a server, and then run the command after them. */
export type Peer = (server: string) => Words;

/**
 * The sera that is written in Go, which has the same name. It finds its server in `/etc/sera.json` alone, and so gets an
 * `/etc` of its own, for which the bench needs the rights of root. An address is all that it has to look up there.
 */
export async function goSera(): Promise<Peer | undefined> {
  // It has no such flag.
  if (Deno.uid() !== 0 || await succeeds("sera", "--version") !== false) return undefined;
  const apart = 'mount -t tmpfs none /etc && printf %s "$0" >/etc/sera.json && exec "$@"';
  return (server) => ["unshare", "--mount", "sh", "-c", apart, JSON.stringify({ server }), "sera", "0"];
}

/** heimdall, which locks on PostgreSQL. Its exit code is its program's own, or 1. */
export async function heimdall(): Promise<Peer | undefined> {
  if (await succeeds("heimdall", "--help") === undefined) return undefined;
  return (server) => ["heimdall", "--database", server, "--namespace", "bench", "--name", "bench"];
}

/** Whether a program succeeds; undefined where there is none. */
async function succeeds(...words: readonly string[]): Promise<boolean | undefined> {
  try {
    return (await command(words, { stderr: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
