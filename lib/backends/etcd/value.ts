/** What the key of a holder or waiter says about it. `etcdctl lock` says nothing. */

import { type Presence, readPresence } from "../../lock/presence.ts";

/** The longest value that is read, in bytes; others may have written anything. */
const LONGEST_VALUE = 65_536;

/** The value of the key of a sera that asks for a lock now. etcd knows no time: it is by this machine's clock. */
export function valueOf(presence: Presence): string {
  return JSON.stringify({ ...presence, connected: Date.now() } satisfies Presence);
}

/** Reads a value; undefined if it is none of sera's. Not to be trusted: anybody who can write there can forge it. */
export function readValue(value: Uint8Array): Presence | undefined {
  return value.length > LONGEST_VALUE ? undefined : readPresence(new TextDecoder().decode(value));
}
