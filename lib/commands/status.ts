import { isAsked } from "../args/is_asked.ts";
import { resolveSettings, type Settings } from "../config/config.ts";
import type { Io } from "../io.ts";
import type { Backend } from "../lock/lock.ts";
import { defaultLockFolder } from "../lock/default_folder.ts";
import { prepareLockFolder } from "../lock/lock_folder.ts";
import { lockName } from "../lock/lock_name.ts";
import { openBackend } from "../lock/open_backend.ts";
import { look } from "../who/look.ts";
import { sightingsJson, sightingsTable } from "../who/report.ts";
import type { Sighting } from "../who/sighting.ts";
import { backendOptions } from "./backend_options.ts";
import { lockOf } from "./lock_of.ts";
import { runSubcommand } from "./subcommand.ts";

/** What the exit code says of the lock that was asked for. */
const HELD = 0;
const FREE = 1;

/** The lock that this session is for, in the eyes of those who look, when it is for all of them. */
const NO_LOCK = lockName("");

/** Gives up nothing: whoever looks waits for the server only. */
const { signal } = new AbortController();

/**
 * Prints who has a lock and who waits for it, or that of all of sera's locks on the server.
 *
 * @param argv The words after `sera status`.
 * @returns For one lock 0 if it is held and 1 if it is free; for all of them 0; else what a run would exit with.
 */
export function status(argv: readonly string[], io: Io): Promise<number> {
  return runSubcommand("status", argv, io, async (flags, words, note) => {
    const settings = await resolveSettings(flags, io.env);
    const lock = lockOf(words, settings, "status");
    const sightings = await seen(lock, settings, io, note);
    const isHeld = sightings.some(({ state }) => state === "held");
    if (isAsked(flags, "json")) {
      const locks = lock === undefined ? [...new Set(sightings.map(({ lock }) => lock))] : [lock];
      io.out(`${sightingsJson(locks, sightings)}\n`);
    } else {
      if (!isHeld) io.out(lock === undefined ? "No locks are to be seen.\n" : "Free: nobody holds it.\n");
      if (sightings.length > 0) io.out(sightingsTable(sightings));
    }
    return lock === undefined || isHeld ? HELD : FREE;
  });
}

async function seen(
  lock: string | undefined,
  settings: Settings,
  io: Io,
  note: (message: string) => Promise<void>,
): Promise<readonly Sighting[]> {
  const { server, ledger } = settings;
  const { env } = io;
  await using backend = await open(lock ?? NO_LOCK, settings, io);
  const sightings = await look(backend, server, lock === undefined ? "all" : { lock }, {
    table: ledger.table,
    env,
    signal,
  });
  if (lock === undefined && server.kind === "mysql" && !ledger.on) {
    const { whatIsHidden } = await import("../who/mysql_attributes.ts");
    const hidden = await whatIsHidden((await backend.session(signal))!, signal);
    if (hidden !== undefined) await note(hidden);
  }
  return sightings;
}

/** Where to look. A folder that no run has made yet is left so: it has no locks. */
async function open(
  lock: string,
  settings: Settings,
  io: Io,
): Promise<Pick<Backend, "session"> & AsyncDisposable> {
  const { server } = settings;
  if (server.kind !== "file") return await openBackend(server, lock, backendOptions(settings, "status", io));
  const folder = server.folder ?? defaultLockFolder(io.env).path;
  if (isThere(folder)) prepareLockFolder(folder, server.folder === undefined);
  return { session: () => Promise.resolve(undefined), [Symbol.asyncDispose]: () => Promise.resolve() };
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    // What else is wrong with it will be told by whoever uses it.
    return !(error instanceof Deno.errors.NotFound);
  }
}
