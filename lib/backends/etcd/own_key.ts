import { LockUnavailableError } from "../../errors.ts";
import type { LockSession } from "../../lock/lock.ts";
import type { EtcdClient } from "./client.ts";
import type { KeyEnd } from "./key_end.ts";
import { EtcdSession } from "./session.ts";

/** What the ledger needs of a client. */
export type Caller = Pick<EtcdClient, "call" | "where" | "address">;

/** The key by which a lock is held: as long as it exists, nobody else holds the lock. */
export interface OwnKey {
  readonly client: Caller;
  readonly key: string;
  /** The revision in which it was created: a later key with the same name has another. */
  readonly created: bigint;
  /** Whether an earlier holder has left runs that have not ended, as this key became the holder's; undefined if unknown. */
  readonly hasLeftRuns?: boolean | undefined;
  /** The keys of the locks that are held together with this one. */
  readonly beside?: readonly string[];
  /** Called when the last write to the ledger deletes it; absent if none may. */
  readonly end?: KeyEnd;
}

/**
 * The own key of the session that holds a lock on etcd.
 *
 * @throws {LockUnavailableError} When it has none.
 */
export function ownKeyOf(session: LockSession | undefined): OwnKey {
  if (session instanceof EtcdSession && session.place) {
    const { client, place: { key, created, hasLeftRuns, mark, also = [] }, keyEnd: end } = session;
    const beside = [...mark === undefined ? [] : [mark], ...also.map(({ key }) => key)];
    return { client, key, created, hasLeftRuns, beside, end };
  }
  throw new LockUnavailableError("Cannot use the ledger on etcd: the lock is not held there");
}
