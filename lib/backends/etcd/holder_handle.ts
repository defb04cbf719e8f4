import { LockUnavailableError } from "../../errors.ts";
import { DURABLE_BEATS_PER_TTL, heartbeatOf } from "../../lock/lease.ts";
import type { Presence } from "../../lock/presence.ts";
import type { ForcedRelease, HolderHandle } from "../../who/holder_handle.ts";
import type { Sighting } from "../../who/sighting.ts";
import { type KeyValue, readRange, readTxn } from "./answers.ts";
import type { EtcdClient } from "./client.ts";
import { isLeaseGone } from "./lease.ts";
import { queueOf } from "./names.ts";
import { heldOf } from "./slot_keys.ts";
import { leaseRequest, Path, range, step, txn, when } from "./requests.ts";
import { readSightings } from "./sightings.ts";
import { readValue } from "./value.ts";
import { withEndRequest, withoutEndRequest } from "./end_request.ts";

/** A key that holds a lock. */
type Held = KeyValue & { readonly key: string };

/**
 * Makes the handle on the holder of a lock, identified by its key's create revision, which no other key has.
 *
 * @throws {LockUnavailableError} When etcd cannot be asked.
 */
export async function handleOnEtcd(
  client: EtcdClient,
  holder: Sighting,
  by: Presence,
  signal: AbortSignal,
): Promise<EtcdHandle> {
  const created = holder.queuePosition ?? holder.lease?.token ?? 0n;
  const { lock, slot = 0, slots = 0 } = holder;
  const { prefix } = client.address;
  // A mark of the same session, elsewhere, was created along with it.
  const asked = {
    ...slot === 0 ? { key: queueOf(prefix, lock), prefix: true } : heldOf(prefix, lock, slots),
    limit: 1,
  };
  const found = readRange(
    await client.call(Path.range, range({ ...asked, createdFrom: created, createdUpTo: created }), { signal }),
  );
  const [key] = found.keys;
  return new EtcdHandle(client, holder, by, key?.key === undefined ? undefined : { ...key, key: key.key });
}

/** The handle on the holder of a lock in etcd. */
export class EtcdHandle implements HolderHandle {
  readonly unaskable: string | undefined;
  readonly noticedWithin: number;
  readonly #client: EtcdClient;
  readonly #holder: Sighting;
  /** Undefined if it is gone already. */
  readonly #key: Held | undefined;
  /** The holder's value with the request. */
  readonly #endRequest: string | undefined;
  #askedIn: bigint | undefined;

  /** @param by Who wants to end it. */
  constructor(client: EtcdClient, holder: Sighting, by: Presence, key: Held | undefined) {
    this.#client = client;
    this.#holder = holder;
    this.#key = key;
    this.#endRequest = key && readValue(key.value) && withEndRequest(key.value, by);
    this.unaskable = key && this.#endRequest === undefined
      ? "it is not sera, judging by the value of its key"
      : undefined;
    const { left = 0, silent = 0 } = holder.lease ?? {};
    this.noticedWithin = heartbeatOf({ ttl: left + silent, grace: 0, beats: DURABLE_BEATS_PER_TTL });
  }

  async holds(signal: AbortSignal): Promise<boolean> {
    return (await this.#now(signal)) !== undefined;
  }

  async ask(signal: AbortSignal): Promise<void> {
    const now = await this.#now(signal);
    // Another asker has withdrawn the request, or nobody has asked yet.
    if (!now || now.changed === this.#askedIn || this.#askedIn !== undefined && now.changed !== now.created) return;
    this.#askedIn = await this.#put(this.#endRequest!, [when.created(now.key, "EQUAL", now.created)], signal);
  }

  async force(signal: AbortSignal): Promise<ForcedRelease | undefined> {
    const held = this.#key;
    if (!held) return undefined;
    const left = await this.#left(signal);
    const answer = await this.#client.call(
      Path.txn,
      txn([when.created(held.key, "EQUAL", held.created)], [step.deleteRange(held.key)]),
      { signal },
    );
    if (!readTxn(answer).succeeded) return undefined;
    const mayRun = this.unaskable === undefined ? left : undefined;
    try {
      if (held.lease !== 0n) await this.#client.call(Path.revoke, leaseRequest(held.lease), { signal });
    } catch (error) {
      // Its key is gone, and nobody waits for the lease.
      if (!(error instanceof LockUnavailableError)) throw error;
    }
    return { mayRun };
  }

  /** The holder's current key; undefined if it is gone. */
  async #now(signal: AbortSignal): Promise<Held | undefined> {
    const held = this.#key;
    if (!held) return undefined;
    const { keys: [now] } = readRange(await this.#client.call(Path.range, range({ key: held.key }), { signal }));
    return now?.created === held.created ? { ...now, key: held.key } : undefined;
  }

  /** For how long its lease is still valid, in milliseconds. */
  async #left(signal: AbortSignal): Promise<number | undefined> {
    const { sightings } = await readSightings(this.#client, { lock: this.#holder.lock }, signal);
    return sightings.find(({ queuePosition }) => queuePosition === this.#key?.created)?.lease?.left;
  }

  /** Changes the value of the holder's key if conditions are met. Returns the new revision; undefined if they were not. */
  async #put(
    value: string,
    conditions: Parameters<typeof txn>[0],
    signal?: AbortSignal,
  ): Promise<bigint | undefined> {
    const { key, lease } = this.#key!;
    try {
      const put = step.put(key, value, lease === 0n ? undefined : lease);
      const answer = readTxn(await this.#client.call(Path.txn, txn(conditions, [put]), { signal }));
      return answer.succeeded ? answer.revision : undefined;
    } catch (error) {
      // It has just ended.
      if (isLeaseGone(error)) return undefined;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#askedIn === undefined) return;
    const { key, value } = this.#key!;
    try {
      await this.#put(withoutEndRequest(value), [when.changed(key, "EQUAL", this.#askedIn)]);
    } catch (error) {
      if (!(error instanceof LockUnavailableError)) throw error;
    }
  }
}
