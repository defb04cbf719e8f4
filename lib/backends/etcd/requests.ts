/** Builds requests for etcd's JSON gateway. Nothing here sends them. */

import { base64, type JsonObject } from "./json.ts";

/** The paths of the requests. */
export const Path = {
  grant: "/v3/lease/grant",
  keepAlive: "/v3/lease/keepalive",
  revoke: "/v3/lease/revoke",
  timeToLive: "/v3/lease/timetolive",
  txn: "/v3/kv/txn",
  range: "/v3/kv/range",
  put: "/v3/kv/put",
  deleteRange: "/v3/kv/deleterange",
  watch: "/v3/watch",
  status: "/v3/maintenance/status",
  alarm: "/v3/maintenance/alarm",
  members: "/v3/cluster/member/list",
  authenticate: "/v3/auth/authenticate",
} as const;

/** Which keys: one, all with a prefix, or all from one key up to another, which is excluded. */
export interface Keys {
  readonly key: string;
  readonly prefix?: boolean;
  readonly to?: string | undefined;
}

/** What to look for. */
export interface Range extends Keys {
  readonly limit?: number;
  /** Sorts by the revision in which the keys were created. */
  readonly sort?: "oldest first" | "newest first";
  /** Only keys created in this revision or after. */
  readonly createdFrom?: bigint;
  /** Only keys created in this revision or before. */
  readonly createdUpTo?: bigint;
  /** Without the values. */
  readonly keysOnly?: boolean;
  /** Only how many there are. */
  readonly countOnly?: boolean;
  /** The state at this revision; by default the present. */
  readonly revision?: bigint;
}

/** The end of the range of all keys with a prefix, in base64: the prefix with its last byte below 255 incremented. */
export function rangeEnd(prefix: string): string {
  const all = new TextEncoder().encode(prefix);
  let length = all.length;
  while (length > 0 && all[length - 1] === 0xff) length--;
  // With no end, all keys.
  if (length === 0) return base64(new Uint8Array(1));
  const end = all.slice(0, length);
  end[length - 1]!++;
  return base64(end);
}

function keysOf({ key, prefix, to }: Keys): JsonObject {
  return {
    key: base64(key),
    ...prefix ? { range_end: rangeEnd(key) } : {},
    ...to === undefined ? {} : { range_end: base64(to) },
  };
}

/** A request for keys. */
export function range(asked: Range): JsonObject {
  const { limit, sort, createdFrom, createdUpTo, keysOnly, countOnly, revision } = asked;
  return {
    ...keysOf(asked),
    ...limit === undefined ? {} : { limit: String(limit) },
    ...sort === undefined ? {} : { sort_target: "CREATE", sort_order: sort === "oldest first" ? "ASCEND" : "DESCEND" },
    ...createdFrom === undefined ? {} : { min_create_revision: String(createdFrom) },
    ...createdUpTo === undefined ? {} : { max_create_revision: String(createdUpTo) },
    ...keysOnly ? { keys_only: true } : {},
    ...countOnly ? { count_only: true } : {},
    ...revision === undefined ? {} : { revision: String(revision) },
  };
}

/** A request to set a key. */
export function put(key: string, value: string | Uint8Array, lease?: bigint): JsonObject {
  return { key: base64(key), value: base64(value), ...lease === undefined ? {} : { lease: String(lease) } };
}

/** A request to delete a key, or all with a prefix. */
export function deleteRange(key: string, prefix = false): JsonObject {
  return { key: base64(key), ...prefix ? { range_end: rangeEnd(key) } : {} };
}

/** A step of a transaction. */
export const step = {
  range: (asked: Range): JsonObject => ({ request_range: range(asked) }),
  put: (...args: Parameters<typeof put>): JsonObject => ({ request_put: put(...args) }),
  deleteRange: (...args: Parameters<typeof deleteRange>): JsonObject => ({
    request_delete_range: deleteRange(...args),
  }),
  txn: (...args: Parameters<typeof txn>): JsonObject => ({ request_txn: txn(...args) }),
};

/** A condition of a transaction; the revisions of a key that does not exist are 0. */
export const when = {
  created: (key: string, result: "EQUAL" | "GREATER" | "LESS" | "NOT_EQUAL", revision: bigint): JsonObject => ({
    key: base64(key),
    target: "CREATE",
    result,
    create_revision: String(revision),
  }),
  changed: (key: string, result: "EQUAL" | "GREATER" | "LESS" | "NOT_EQUAL", revision: bigint): JsonObject => ({
    key: base64(key),
    target: "MOD",
    result,
    mod_revision: String(revision),
  }),
};

/** Conditions of a transaction on all keys of a range. */
export const whenAll = {
  /** That there are none. */
  absent: (keys: Keys): JsonObject => ({ ...when.created(keys.key, "EQUAL", 0n), ...keysOf(keys) }),
  /** That there is one at least. */
  present: (keys: Keys): JsonObject => ({ ...when.created(keys.key, "GREATER", 0n), ...keysOf(keys) }),
  /** That there are some, all of which were created in this revision or after. */
  createdFrom: (keys: Keys, revision: bigint): JsonObject => ({
    ...when.created(keys.key, "GREATER", revision - 1n),
    ...keysOf(keys),
  }),
  /** That none has been created after this revision. */
  createdUpTo: (keys: Keys, revision: bigint): JsonObject => ({
    ...when.created(keys.key, "LESS", revision + 1n),
    ...keysOf(keys),
  }),
};

/** A transaction: if all conditions are met, etcd executes the first steps, else the others. */
export function txn(
  conditions: readonly JsonObject[],
  then: readonly JsonObject[],
  otherwise: readonly JsonObject[] = [],
): JsonObject {
  return { compare: conditions, success: then, failure: otherwise };
}

/** A request for a lease with a TTL in seconds. */
export function grant(seconds: number, id = 0n): JsonObject {
  return { TTL: String(seconds), ID: String(id) };
}

/** Requests about a lease. */
export function leaseRequest(id: bigint): JsonObject {
  return { ID: String(id) };
}

/** What to watch. */
export interface Watch extends Keys {
  /** The first revision to report; by default the next one. */
  readonly from?: bigint;
  /** Whether to report only deletions. */
  readonly deletesOnly?: boolean;
}

/** A request for a stream of changes. */
export function watch({ from, deletesOnly, ...keys }: Watch): JsonObject {
  return {
    create_request: {
      ...keysOf(keys),
      ...from === undefined ? {} : { start_revision: String(from) },
      ...deletesOnly ? { filters: ["NOPUT"] } : {},
    },
  };
}
