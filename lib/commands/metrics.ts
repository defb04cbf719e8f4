import type { Observer } from "../backends/backend.ts";
import { ExitCode } from "../exit_codes.ts";
import type { Io } from "../io.ts";
import type { LockSummary } from "../ledger/summary.ts";
import { isLockName } from "../lock/lock_name.ts";
import { isNamespacedName } from "../lock/namespaced_name.ts";
import { resolveSettings } from "../settings/resolve.ts";
import type { Settings } from "../settings/settings.ts";
import { exposition } from "../text/exposition.ts";
import { NEVER } from "../waiting.ts";
import { look } from "../who/look.ts";
import { type LockFacts, lockLabel, metricsOf } from "../who/metrics.ts";
import type { Seen } from "../who/sighting.ts";
import { asQuery } from "./as_query.ts";
import { backendOptions } from "./backend_options.ts";
import type { Call } from "./command.ts";
import { ledgerIn } from "./ledger_in.ts";
import { refuseWords } from "./refuse_words.ts";
import { readLimit, readSpan } from "./history/history_choice.ts";
import { NO_LOCK } from "./no_lock.ts";
import { isHolderOf } from "./history/abandoned.ts";

/** The default of `--since`, in milliseconds. */
const DAY = 24 * 3600 * 1000;

/** The default of `--limit`: each lock has some 15 series. */
const DEFAULT_LIMIT = 100;

/** Prints what is known about locks and their runs in the text format of Prometheus. */
export async function metrics({ flags, operands: words, io }: Call): Promise<number> {
  refuseWords(words, "sera metrics [flags]");
  const limit = readLimit(flags.get("limit"), DEFAULT_LIMIT, "locks");
  const within = readSpan(flags, "since") ?? DAY;
  const settings = await resolveSettings(flags, io.env);
  const { locks, isComplete } = await asQuery(() => findLocks(settings, io, within, limit));
  io.out(exposition(metricsOf(locks, isComplete, within)));
  return ExitCode.ok;
}

async function findLocks(
  settings: Settings,
  io: Io,
  within: number,
  limit: number,
): Promise<{ readonly locks: readonly LockFacts[]; readonly isComplete: boolean }> {
  const { server, ledger: { table } } = settings;
  await using observer = await server.observe(NO_LOCK, backendOptions(settings, "metrics", io), NEVER);
  const hasLedger = server.ledger !== undefined && server.ledger.missing?.(table) === undefined;
  const ledger = hasLedger ? await ledgerIn(observer, table, io) : undefined;
  const summaries = (await ledger?.summaries(within, limit + 1) ?? [])
    .filter(({ lock }) => isLockName(lock) || isNamespacedName(lock));
  const seen = await look("all", () => observer.sightings("all", table, NEVER));

  const facts = new Map<string, LockFacts>();
  for (const runs of summaries.slice(0, limit)) {
    const { lock } = runs;
    facts.set(lockLabel(lock), factsOf(lock, await seenOf(lock, seen, settings, observer), runs, observer));
  }
  for (const { lock } of seen.sightings) {
    const label = lockLabel(lock);
    if (facts.size < limit && !facts.has(label)) facts.set(label, factsOf(lock, seen, undefined, observer));
  }
  const isCut = summaries.length > limit || seen.sightings.some(({ lock }) => !facts.has(lockLabel(lock)));
  const isComplete = !isCut && seen.hidden === undefined && observer.elsewhere === undefined;
  return { locks: [...facts.values()], isComplete };
}

/** What can be seen of one lock: where not all are shown, more if it alone is asked for. */
async function seenOf(lock: string, seen: Seen, { ledger: { table } }: Settings, observer: Observer): Promise<Seen> {
  if (seen.hidden === undefined || seen.showsHolders) return seen;
  return await look({ lock }, () => observer.sightings({ lock }, table, NEVER));
}

function factsOf(
  lock: string,
  { sightings, hidden, showsHolders }: Seen,
  runs: LockSummary | undefined,
  { elsewhere }: Observer,
): LockFacts {
  const label = lockLabel(lock);
  const ofLock = sightings.filter((sighting) => lockLabel(sighting.lock) === label);
  const holders = ofLock.filter(({ state }) => state === "held");
  const showsAll = hidden === undefined && elsewhere === undefined;
  const isConclusive = showsAll || showsHolders === true && elsewhere === undefined;
  const isHeld = holders.length > 0 || (isConclusive ? false : undefined);
  const waiters = ofLock.filter(({ state }) => state === "waiting").length;
  return {
    lock,
    isHeld,
    holders,
    waiters: showsAll ? waiters : undefined,
    runs: runs && isConclusive ? withAbandoned(runs, holders) : runs,
  };
}

/** A run that is recorded as running is abandoned if its holder is gone: only the next holder marks it so. */
function withAbandoned(runs: LockSummary, holders: LockFacts["holders"]): LockSummary {
  const { counts } = runs;
  const count = counts.get("running") ?? 0;
  const running = Math.min(count, runs.running.filter((run) => holders.some(isHolderOf(run))).length);
  if (running === count) return runs;
  const abandoned = (counts.get("abandoned") ?? 0) + count - running;
  return { ...runs, counts: new Map([...counts, ["running", running], ["abandoned", abandoned]]) };
}
