import { LockUnavailableError } from "../../errors.ts";
import { fnv1 } from "../../lock/namespaced_name.ts";
import type { Presence } from "../../lock/presence.ts";
import { slotName } from "../../lock/slot_name.ts";
import { holderText } from "../../who/holder_text.ts";
import { reportedNames } from "../../who/names.ts";
import type { LockFilter, Seen, SeenLease, Sighting } from "../../who/sighting.ts";
import { type KeyValue, readRange, readTimeToLive } from "./answers.ts";
import type { EtcdClient } from "./client.ts";
import { allOf, NAMES, partsOfKey } from "./names.ts";
import { type Keys, leaseRequest, Path, type Range, range } from "./requests.ts";
import { runningRuns } from "./running_runs.ts";
import { slotInKey } from "./slot_keys.ts";
import { readValue } from "./value.ts";

/** How many keys are asked for at once, so that no answer is too long. */
const PAGE = 500;

/** How many leases are asked about at once. */
const ABREAST = 20;

/** A key of a holder or a waiter. */
interface Seat {
  readonly lock: string;
  readonly key: KeyValue;
  readonly state: Sighting["state"];
  /** The slot that is held, and how many there are, as far as the key and its value tell. */
  readonly slot?: number | undefined;
  readonly slots?: number | undefined;
  /** What the key says about its owner; undefined if the key is not one of sera's. */
  readonly presence: Presence | undefined;
}

/**
 * Who holds locks and who waits for them, each queue in its order.
 *
 * @param own The lease of whoever looks, who is left out.
 * @throws {LockUnavailableError} When etcd cannot be asked.
 */
export async function readSightings(
  client: EtcdClient,
  filter: LockFilter,
  signal: AbortSignal,
  own?: bigint,
): Promise<Seen> {
  const seats = await readSeats(client, filter, signal);
  const held = seats.filter(({ state }) => state === "held");
  const holders = held.map((seat) => ({ lock: nameOf(seat), token: seat.key.created }));
  const running = await runningRuns(client, holders, signal);
  const leases = new Map<Seat, SeenLease | undefined>();
  for (let at = 0; at < held.length; at += ABREAST) {
    const some = held.slice(at, at + ABREAST);
    const found = await Promise.all(some.map(({ key }) => readLease(client, key, signal)));
    some.forEach((seat, index) => leases.set(seat, found[index]));
  }
  const sightings = seats.filter(({ key }) => own === undefined || key.lease !== own).map((seat) => ({
    ...sightingOf(seat, leases.get(seat)),
    runId: seat.state === "held" ? running.get(nameOf(seat)) : undefined,
  }));
  return { sightings, otherSessions: [] };
}

/**
 * Who holds a lock, for messages; undefined if nobody, or if nothing is known about the holder.
 *
 * @param slot The slot that is meant; undefined for a plain lock.
 */
export async function holderOf(
  client: EtcdClient,
  lock: string,
  slot: number | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { sightings } = await readSightings(client, { lock }, signal);
  return holderText(sightings.filter((one) => slot === undefined || (one.slot ?? 0) === slot));
}

/** The name under which runs of a holder are recorded. */
function nameOf({ lock, slot = 0 }: Seat): string {
  return slotName(lock, slot);
}

function sightingOf({ lock, key, state, slot, slots, presence }: Seat, lease: SeenLease | undefined): Sighting {
  const since = presence?.connected;
  return {
    lock,
    state,
    slot,
    slots,
    queuePosition: key.created,
    host: presence?.host,
    pid: presence?.pid,
    label: presence?.label,
    // Nothing more is known about `etcdctl lock`; this is enough to end it.
    address: presence || key.lease === 0n ? undefined : `lease ${key.lease.toString(16)}`,
    since,
    sinceIs: since === undefined ? undefined : state === "held" ? "connected" : "waiting",
    lease,
    ...presence ? reportedNames(presence) : {},
  };
}

/** The keys of all holders and waiters that are asked for, the oldest first. */
async function readSeats(client: EtcdClient, filter: LockFilter, signal: AbortSignal): Promise<readonly Seat[]> {
  const { prefix } = client.address;
  const asked = rangeOf(prefix, filter);
  const seats: Seat[] = [];
  /** Locks whose first key has been read. */
  const led = new Set<string>();
  let createdFrom = 0n;
  for (let isMore = true; isMore;) {
    const page: Range = { ...asked, sort: "oldest first", limit: PAGE, createdFrom };
    const { keys } = readRange(await client.call(Path.range, range(page), { signal }));
    const last = keys.at(-1)?.created ?? 0n;
    isMore = keys.length === PAGE;
    // One transaction may put several keys with the same revision, so the next page begins with the last revision again.
    const whole = isMore ? keys.filter(({ created }) => created < last) : keys;
    for (const key of whole) {
      const seat = seatOf(prefix, filter, key, led);
      if (seat) seats.push(seat);
    }
    createdFrom = last;
  }
  return seats;
}

/** @param led Locks whose first key has been read; this adds to it. */
function seatOf(prefix: string, filter: LockFilter, key: KeyValue, led: Set<string>): Seat | undefined {
  // A key that is not text comes without its name; its lock is known only if one lock was asked for.
  const parts = key.key === undefined
    ? filter !== "all" && "lock" in filter ? { lock: filter.lock, rest: "/" } : undefined
    : partsOfKey(prefix, key.key);
  if (!parts) return undefined;
  const { lock, rest } = parts;
  const about = readValue(key.value);
  const presence = about?.lock === lock ? about : undefined;
  const seat = { lock, key, presence };
  if (rest.startsWith("/")) {
    const isFirst = !led.has(lock);
    led.add(lock);
    if (!isFirst) return { ...seat, state: "waiting", slots: presence?.slots };
    return { ...seat, state: "held", slot: presence?.slots && 0, slots: presence?.slots };
  }
  const known = slotInKey(rest);
  return known && { ...seat, ...known, state: known.slot === undefined ? "waiting" : "held" };
}

function rangeOf(prefix: string, filter: LockFilter): Keys {
  if (filter === "all") return { key: `${prefix}${NAMES.from}`, to: `${prefix}${NAMES.to}` };
  if ("lock" in filter) return allOf(prefix, filter.lock);
  return { key: `${prefix}${fnv1(filter.namespace)},`, prefix: true };
}

/** What is known about a holder's lease; undefined if it has none, or etcd does not tell. */
async function readLease(
  client: EtcdClient,
  { lease, created }: KeyValue,
  signal: AbortSignal,
): Promise<SeenLease | undefined> {
  if (lease === 0n) return undefined;
  try {
    const { left, granted } = readTimeToLive(await client.call(Path.timeToLive, leaseRequest(lease), { signal }));
    if (left < 0n) return undefined;
    // The time left is rounded down.
    const max = Math.min(Number(left) + 1, Number(granted)) * 1000;
    return { token: created, left: max, silent: Number(granted) * 1000 - max, freeIn: max };
  } catch (error) {
    if (error instanceof LockUnavailableError) return undefined;
    throw error;
  }
}
