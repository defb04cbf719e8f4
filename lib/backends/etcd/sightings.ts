import { LockUnavailableError } from "../../errors.ts";
import { fnv1 } from "../../lock/namespaced_name.ts";
import { holderText } from "../../who/holder_text.ts";
import { namesTold } from "../../who/names.ts";
import type { LockFilter, Seen, SeenLease, Sighting } from "../../who/sighting.ts";
import { type KeyValue, readRange, readTimeToLive } from "./answers.ts";
import type { EtcdClient } from "./client.ts";
import { lockOfKey, NAMES, queueOf } from "./names.ts";
import { leaseRequest, Path, type Range, range } from "./requests.ts";
import { runningRuns } from "./running_runs.ts";
import { readValue } from "./value.ts";

/** How many keys are asked for at once, so that no answer is too long. */
const PAGE = 500;

/** How many leases are asked about at once. */
const ABREAST = 20;

/** A key in the queue of a lock. */
interface Seat {
  readonly lock: string;
  readonly key: KeyValue;
}

/**
 * Who holds locks and who waits for them, each queue in its order.
 *
 * @param own The key of whoever looks, who is left out.
 * @throws {LockUnavailableError} When etcd cannot be asked.
 */
export async function readSightings(
  client: EtcdClient,
  filter: LockFilter,
  signal: AbortSignal,
  own?: string,
): Promise<Seen> {
  const queues = Map.groupBy(await readSeats(client, filter, signal), ({ lock }) => lock);
  const heads = [...queues.values()].flatMap(([head]) => head ?? []);
  const holders = heads.map(({ lock, key }) => ({ lock, token: key.created }));
  const running = await runningRuns(client, holders, signal);
  const leases = new Map<Seat, SeenLease | undefined>();
  for (let at = 0; at < heads.length; at += ABREAST) {
    const some = heads.slice(at, at + ABREAST);
    const found = await Promise.all(some.map((head) => readLease(client, head.key, signal)));
    some.forEach((head, index) => leases.set(head, found[index]));
  }
  const sightings = [...queues.values()].flatMap((seats) =>
    seats.map((seat, index) => ({ seat, isHead: index === 0 })).filter(({ seat }) => seat.key.key !== own)
      .map(({ seat, isHead }) => ({
        ...sightingOf(seat, isHead, leases.get(seat)),
        runId: isHead ? running.get(seat.lock) : undefined,
      }))
  );
  return { sightings, strangers: [] };
}

/** Who holds a lock, for messages; undefined if nobody, or if nothing is known of the holder. */
export async function holderOf(client: EtcdClient, lock: string, signal: AbortSignal): Promise<string | undefined> {
  return holderText((await readSightings(client, { lock }, signal)).sightings);
}

function sightingOf({ lock, key }: Seat, isHead: boolean, lease: SeenLease | undefined): Sighting {
  const about = readValue(key.value);
  const presence = about?.lock === lock ? about : undefined;
  const since = presence?.connected;
  return {
    lock,
    state: isHead ? "held" : "waiting",
    turn: key.created,
    host: presence?.host,
    pid: presence?.pid,
    label: presence?.label,
    // Of `etcdctl lock` no more is known; it can be ended by this.
    address: presence || key.lease === 0n ? undefined : `lease ${key.lease.toString(16)}`,
    since,
    sinceIs: since === undefined ? undefined : isHead ? "connected" : "waiting",
    lease,
    ...presence ? namesTold(presence) : {},
  };
}

/** The keys of all queues that are asked for, the oldest first. */
async function readSeats(client: EtcdClient, filter: LockFilter, signal: AbortSignal): Promise<readonly Seat[]> {
  const { prefix } = client.address;
  const asked = rangeOf(prefix, filter);
  const seats: Seat[] = [];
  let createdFrom = 0n;
  for (let isMore = true; isMore;) {
    const page: Range = { ...asked, sort: "oldest first", limit: PAGE, createdFrom };
    const { keys } = readRange(await client.call(Path.range, range(page), { signal }));
    for (const key of keys) {
      // Only the name of a lock that was asked for is surely text.
      const lock = filter !== "all" && "lock" in filter ? filter.lock : lockOfKey(prefix, key.key ?? "");
      if (lock !== undefined) seats.push({ lock, key });
    }
    // Each key of a queue is put in a transaction of its own.
    createdFrom = (keys.at(-1)?.created ?? 0n) + 1n;
    isMore = keys.length === PAGE;
  }
  return seats;
}

function rangeOf(prefix: string, filter: LockFilter): Pick<Range, "key" | "prefix" | "to"> {
  if (filter === "all") return { key: `${prefix}${NAMES.from}`, to: `${prefix}${NAMES.to}` };
  if ("lock" in filter) return { key: queueOf(prefix, filter.lock), prefix: true };
  return { key: `${prefix}${fnv1(filter.namespace)},`, prefix: true };
}

/** What is known of a holder's lease; undefined if it has none, or etcd does not tell. */
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
    const most = Math.min(Number(left) + 1, Number(granted)) * 1000;
    return { token: created, left: most, silent: Number(granted) * 1000 - most, freeIn: most };
  } catch (error) {
    if (error instanceof LockUnavailableError) return undefined;
    throw error;
  }
}
