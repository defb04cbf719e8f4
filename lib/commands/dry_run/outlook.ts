import type { RunRequest } from "../../args/operands.ts";
import type { Observer } from "../../backends/backend.ts";
import { LockUnavailableError } from "../../errors.ts";
import type { Io } from "../../io.ts";
import type { RecordedRun } from "../../ledger/run.ts";
import { skipReason } from "../../ledger/run_text.ts";
import { forgetLockName } from "../../lock/forgetters.ts";
import { identitiesOf, type LockIdentity } from "../../lock/lock_identity.ts";
import { splayedPause } from "../../lock/splay.ts";
import type { Settings } from "../../settings/settings.ts";
import { pathOr } from "../../text/redaction.ts";
import { timeFormatAt } from "../../text/time.ts";
import { terminalWidth } from "../../system/terminal.ts";
import { NEVER } from "../../waiting.ts";
import { freeSlot, refuseOtherSlots } from "../../who/free_slot.ts";
import { type BusyText, busyText } from "../../who/busy_text.ts";
import { look } from "../../who/look.ts";
import { isOfLock } from "../../who/names.ts";
import type { Sighting } from "../../who/sighting.ts";
import { backendOptions } from "../backend_options.ts";
import { isHolderOf } from "../history/abandoned.ts";
import { ledgerIn } from "../ledger_in.ts";
import { HELD_LOCKS } from "../run/held_locks.ts";
import { limitsOf } from "../run/limits.ts";
import { refuseOwnLock } from "../run/refuse_own_lock.ts";
import { lookFor, whyUnknown } from "../status/look_for.ts";

/** What others see of the session that looks. */
const LABEL = "dry run";

/** What a run would find at this moment. */
export interface Outlook {
  /** The lock's name; those of several with blanks between them. */
  readonly lock: string;
  /** How long it would pause before it asks, in milliseconds; undefined without a splay. */
  readonly pause: number | undefined;
  /** What it would do first if it asked at this moment. */
  readonly would: "run" | "skip" | "wait" | "give up";
  /** The first slot that is free, if slots are asked for. */
  readonly slot: number | undefined;
  /** Those who hold the lock, and wait for it. */
  readonly sightings: readonly Sighting[];
  readonly busy: BusyText;
  /** How many may wait, if there is a limit. */
  readonly maxWaiters: number | undefined;
  /** The earlier run because of which it would skip the command, at once or after the wait. */
  readonly because?: { readonly run: RecordedRun; readonly reason: string } | undefined;
}

/** Looks what a run would find. Takes no lock. */
export async function lookAhead({ words, wait }: RunRequest, settings: Settings, io: Io): Promise<Outlook> {
  const { server, splay, slots = 1 } = settings;
  const identities = identitiesOf(words, settings);
  const { main, names, all } = identities;
  const { maxWaiters, slots: several, also = [] } = limitsOf(settings, identities);
  await using observer = await server.observe(main.name, backendOptions(settings, LABEL, io), NEVER);
  const sightings: Sighting[] = [];
  for (const lock of all) sightings.push(...await sightingsOf(lock, settings, observer));
  const held = sightings.filter(({ state }) => state === "held");
  // For whoever forgets, a run with slots waits.
  const isForgetting = several !== undefined && held.length > 0 &&
    (await holdersOf(forgetLockName(main.name), settings, observer)).length > 0;
  for (const lock of isForgetting ? [] : all) {
    const [holders, which] = all.length === 1
      ? [held]
      : [held.filter((one) => isOfLock(one, lock.name)), `The lock of ${pathOr(lock.title, lock.name)}`];
    refuseOtherSlots(holders!, slots, which);
  }
  // Those who apply a rule to the runs in all slots hold its lock, too.
  const applying: Sighting[] = [];
  for (const lock of several === undefined ? [] : also) applying.push(...await holdersOf(lock, settings, observer));
  const slot = isForgetting || applying.length > 0 ? undefined : freeSlot(held, slots);
  const inheritedLocks = io.env(HELD_LOCKS);
  if (slot === undefined && inheritedLocks !== undefined) {
    const hidden = applying.length === 0 ? [] : also.map((name) => ({ name, title: main.title, isHidden: true }));
    const wanted = [...all.map((lock) => ({ ...lock, slots: settings.slots })), ...hidden];
    refuseOwnLock(wanted, server, inheritedLocks, sightings);
  }
  const givesUp = slot === undefined && (wait === 0 || maxWaiters === 0);
  const because = givesUp ? undefined : await countedRun(observer, main.name, held, settings, io);
  const would = slot !== undefined ? because ? "skip" : "run" : givesUp ? "give up" : "wait";
  const pause = splay ? splayedPause(splay, Deno.hostname(), main.name) : undefined;
  const busy = busyText(
    { locks: all, slots: several, hasMore: applying.length > 0 },
    held.length < slots && applying.length > 0 ? applying : held,
    Date.now(),
    timeFormatAt(terminalWidth()),
  );
  return {
    ...{ lock: names, pause, would, sightings, busy, because, maxWaiters },
    slot: settings.slots === undefined ? undefined : slot,
  };
}

/** Who holds an internal lock, which belongs to the lock that is asked for. */
async function holdersOf(
  lock: string,
  { ledger: { table } }: Settings,
  observer: Observer,
): Promise<readonly Sighting[]> {
  const { sightings } = await look({ lock }, () => observer.sightings({ lock }, table, NEVER));
  return sightings.filter(({ state }) => state === "held");
}

async function sightingsOf(
  { name: lock, title }: LockIdentity,
  settings: Settings,
  observer: Observer,
): Promise<readonly Sighting[]> {
  const { namespace, name } = settings;
  const asked = { all: false, lock, namespace, name: namespace === undefined ? undefined : name && title };
  const answer = await lookFor(asked, settings, observer);
  const isHeld = answer.sightings.some(({ state }) => state === "held");
  if (!isHeld && !answer.isConclusive) throw new LockUnavailableError(whyUnknown(answer));
  return answer.sightings;
}

/** The newest run that counts by `once` or `every`. */
async function countedRun(
  observer: Observer,
  lock: string,
  holders: readonly Sighting[],
  { ledger: rule }: Settings,
  io: Io,
): Promise<Outlook["because"]> {
  if (!rule.on || rule.once === undefined && rule.every === undefined) return undefined;
  const ledger = await ledgerIn(observer, rule.table, io);
  const [found] = await ledger?.countingRuns(lock, rule, 1) ?? [];
  if (!ledger || !found) return undefined;
  // The next holder marks it as that, unless it goes on in another slot.
  const isLeft = found.outcome === "running" && !holders.some(isHolderOf(found));
  const run = isLeft ? { ...found, outcome: "abandoned" } : found;
  return { run, reason: skipReason(run, false, rule, ledger.clock, timeFormatAt(terminalWidth())) };
}
