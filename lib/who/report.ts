import { numberForJson } from "../text/untrusted.ts";
import { printableJson } from "../text/printable.ts";
import { slotHeld } from "./slot_text.ts";
import type { Seen, SeenLease, Sighting } from "./sighting.ts";

/**
 * Sightings for programs: one JSON object on one line.
 *
 * @param seen What was seen; the order of the sightings is kept.
 * @param asked A lock to list even if nobody holds it.
 * @param isConclusive Whether that lock is known to be free if no holder is seen.
 */
export function seenJson(
  { sightings, hidden, otherSessions }: Seen,
  asked: Pick<Sighting, "lock" | "namespace" | "name"> | undefined,
  isConclusive = true,
): string {
  const locks = new Map(asked ? [[asked.lock, asked]] : []);
  for (const sighting of sightings) if (!locks.has(sighting.lock)) locks.set(sighting.lock, sighting);
  return printableJson({
    complete: hidden === undefined,
    reason: hidden ?? null,
    locks: [...locks.values()].map(({ lock, namespace, name }) => {
      const of = (wanted: Sighting["state"]) =>
        sightings.filter((one) => one.lock === lock && one.state === wanted).map(sightingView);
      const holders = of("held");
      const [holder = null] = holders;
      const held = holder !== null || (isConclusive ? false : null);
      return {
        lock,
        namespace: namespace ?? null,
        name: name ?? null,
        slots: sightings.find((one) => one.lock === lock && one.slots !== undefined)?.slots ?? null,
        held,
        holder,
        holders,
        waiters: of("waiting"),
      };
    }),
    other_sessions: otherSessions.map(({ host, pid, label, user, address, session }) => ({
      host: host ?? null,
      pid: pid ?? null,
      label: label ?? null,
      user: user ?? null,
      address: address ?? null,
      session,
    })),
  });
}

/** A sighting for programs. */
export function sightingView(sighting: Sighting): object {
  const { host, pid, label, since, sinceIs, user, address, session, runId, lease } = sighting;
  return {
    slot: slotHeld(sighting) ?? null,
    host: host ?? null,
    pid: pid ?? null,
    label: label ?? null,
    since: since === undefined ? null : new Date(since).toISOString(),
    since_is: sinceIs ?? null,
    user: user ?? null,
    address: address ?? null,
    session: session ?? null,
    run_id: runId === undefined ? null : numberForJson(runId),
    lease: lease === undefined ? null : leaseView(lease),
  };
}

function leaseView({ token, left, silent, freeIn }: SeenLease): object {
  return {
    token: numberForJson(token),
    expires_in_ms: left,
    silent_ms: silent,
    free_in_ms: freeIn,
  };
}
