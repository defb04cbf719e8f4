/** The value of a holder's or waiter's key, which describes it. `etcdctl lock` leaves it empty. */

import { type Presence, readPresence } from "../../lock/presence.ts";

/** The longest value that is read, in bytes; others may write anything. */
const MAX_VALUE_SIZE = 65_536;

/** The value of the key of a sera that asks for a lock now. etcd has no clock for clients, so the time is this machine's. */
export function valueOf(presence: Presence): string {
  return JSON.stringify({ ...presence, connected: Date.now() } satisfies Presence);
}

/** Reads a value; undefined if it is not sera's. Not to be trusted: anybody who can write there can forge it. */
export function readValue(value: Uint8Array): Presence | undefined {
  return value.length > MAX_VALUE_SIZE ? undefined : readPresence(new TextDecoder().decode(value));
}
