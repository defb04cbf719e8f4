import { isFlagSet } from "../../args/is_flag_set.ts";
import { resolveSettings } from "../../settings/resolve.ts";
import type { Settings } from "../../settings/settings.ts";
import { LockUnavailableError } from "../../errors.ts";
import type { Io } from "../../io.ts";
import { NEVER } from "../../waiting.ts";
import { seenJson } from "../../who/report.ts";
import { type LockQuery, readLockQuery } from "../lock_query.ts";
import { backendOptions } from "../backend_options.ts";
import { asQuery } from "../as_query.ts";
import type { Call } from "../command.ts";
import { type Answer, lookFor, reportOf, whyUnknown } from "./look_for.ts";
import { NO_LOCK } from "../no_lock.ts";

/** The exit codes for one lock. */
const HELD = 0;
const FREE = 1;

/**
 * Prints the holder and the waiters of one lock, or of all of sera's locks on the server.
 *
 * @returns For one lock 0 if it is held and 1 if it is free; for all of them 0; else what a run would exit with.
 */
export async function status({ flags, operands: words, io, note }: Call): Promise<number> {
  const settings = await resolveSettings(flags, io.env);
  const asked = readLockQuery(words, settings, flags.get("lock"), "status");
  const json = isFlagSet(flags, "json");
  if (isFlagSet(flags, "watch")) {
    const { requireTerminal, watchStatus } = await import("./watch_status.ts");
    requireTerminal(json, io);
    return await watchStatus(asked, settings, io);
  }
  const answer = await asQuery(() => find(asked, settings, io));
  const isHeld = answer.sightings.some(({ state }) => state === "held");
  const isKnown = isHeld || answer.isConclusive;
  if (json) {
    io.out(`${seenJson(answer, asked.lock === undefined ? undefined : { ...asked, lock: asked.lock }, isKnown)}\n`);
  } else {
    const { text, note: message } = await reportOf(asked, answer);
    io.out(text);
    // Of a lock that is not known the error says it.
    if (message !== undefined && isKnown) await note(message);
  }
  if (!isKnown) throw new LockUnavailableError(whyUnknown(answer));
  return asked.all || isHeld ? HELD : FREE;
}

async function find(asked: LockQuery, settings: Settings, io: Io): Promise<Answer> {
  const { lock = NO_LOCK } = asked;
  await using observer = await settings.server.observe(lock, backendOptions(settings, "status", io), NEVER);
  return await lookFor(asked, settings, observer);
}
