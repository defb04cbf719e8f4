/** etcd's answers, as its JSON gateway sends them. Each function throws a {@linkcode MalformedAnswerError} for a malformed one. */

import {
  bytes,
  field,
  int64,
  type JsonObject,
  MalformedAnswerError,
  object,
  objects,
  text,
  truth,
  utf8,
} from "./json.ts";

/** A key and its value. */
export interface KeyValue {
  /** Undefined if it is not text: others may write keys, too. */
  readonly key: string | undefined;
  readonly value: Uint8Array;
  /** The revision in which the key was created; keys that are created later have higher ones. */
  readonly created: bigint;
  /** The revision in which it was last changed. */
  readonly changed: bigint;
  /** The lease that it expires with; 0 if none. */
  readonly lease: bigint;
}

/** The keys found. */
export interface Found {
  readonly keys: readonly KeyValue[];
  /** How many there are, even if fewer were asked for. */
  readonly count: bigint;
  /** The revision of the answer. */
  readonly revision: bigint;
}

/** Reads the answer to a request for keys. */
export function readRange(json: JsonObject): Found {
  return { keys: objects(json, "kvs").map(readKeyValue), count: int64(json, "count"), revision: revisionOf(json) };
}

/** The answer to a transaction. */
export interface TxnAnswer {
  /** Whether all conditions were met. */
  readonly succeeded: boolean;
  readonly revision: bigint;
  /** The leader's term at the time: a new leader restarts all leases. */
  readonly term: bigint;
  /** The answer to a step that was a range. */
  range(step: number): Found;
  /** The answer to a step that was a transaction: without a revision and a term, which are those of the whole answer. */
  txn(step: number): TxnAnswer;
}

/** Reads the answer to a transaction. */
export function readTxn(json: JsonObject): TxnAnswer {
  const responses = objects(json, "responses");
  const answer = (step: number, name: string) => {
    const value = responses[step] && field(responses[step], name);
    if (value === undefined) throw new MalformedAnswerError(`no ${name}`);
    return object(responses[step]!, name);
  };
  return {
    succeeded: truth(json, "succeeded"),
    revision: revisionOf(json),
    term: int64(object(json, "header"), "raft_term"),
    range: (step) => readRange(answer(step, "response_range")),
    txn: (step) => readTxn(answer(step, "response_txn")),
  };
}

/** Reads the answer to a request for a lease: the lease, and its TTL in seconds, which may be more than requested. */
export function readGrant(json: JsonObject): { readonly id: bigint; readonly seconds: bigint } {
  const [id, seconds] = [int64(json, "ID"), int64(json, "TTL")];
  if (id <= 0n || seconds <= 0n) throw new MalformedAnswerError("no lease");
  return { id, seconds };
}

/** Reads the answer to a renewal: the lease's TTL in seconds; 0 if it has ended, since the answer then has none. */
export function readKeepAlive(json: JsonObject): bigint {
  return int64(object(json, "result"), "TTL");
}

/** Reads the time left of a lease, in seconds, rounded down, and its TTL; less than 0 if there is no such lease. */
export function readTimeToLive(json: JsonObject): { readonly left: bigint; readonly granted: bigint } {
  return { left: int64(json, "TTL"), granted: int64(json, "grantedTTL") };
}

/** The revision of an answer. */
export function revisionOf(json: JsonObject): bigint {
  return int64(object(json, "header"), "revision");
}

/** Reads a key and its value. */
export function readKeyValue(json: JsonObject): KeyValue {
  return {
    key: utf8(json, "key"),
    value: bytes(json, "value"),
    created: int64(json, "create_revision"),
    changed: int64(json, "mod_revision"),
    lease: int64(json, "lease"),
  };
}

/** A message of a watch. */
export interface WatchMessage {
  /** Why etcd has ended the watch; undefined if it goes on. */
  readonly canceled: string | undefined;
  /** The oldest revision that can be watched from, if the watch ended because older ones are compacted; else 0. */
  readonly compacted: bigint;
  readonly events: readonly { readonly deleted: boolean; readonly key: KeyValue }[];
}

/** Reads a message of a watch. */
export function readWatch(json: JsonObject): WatchMessage {
  return {
    canceled: truth(json, "canceled") ? text(json, "cancel_reason") : undefined,
    compacted: int64(json, "compact_revision"),
    events: objects(json, "events").map((event) => ({
      deleted: text(event, "type") === "DELETE",
      key: readKeyValue(object(event, "kv")),
    })),
  };
}

/** What a member says about itself. */
export interface MemberStatus {
  readonly version: string;
  readonly cluster: bigint;
  readonly member: bigint;
  /** The member that leads; 0 if there is none. */
  readonly leader: bigint;
  readonly isLearner: boolean;
  /** The size of its database, in bytes. */
  readonly size: bigint;
  /** Errors, in etcd's words. */
  readonly errors: readonly string[];
}

/** Reads a member's status. */
export function readStatus(json: JsonObject): MemberStatus {
  const header = object(json, "header");
  const errors = field(json, "errors") ?? [];
  if (!Array.isArray(errors) || !errors.every((error) => typeof error === "string")) {
    throw new MalformedAnswerError("a wrong value of errors");
  }
  return {
    version: text(json, "version"),
    cluster: int64(header, "cluster_id"),
    member: int64(header, "member_id"),
    leader: int64(json, "leader"),
    isLearner: truth(json, "isLearner"),
    size: int64(json, "dbSize"),
    errors,
  };
}

/** Reads the list of members: their numbers and names, and where they listen for clients. */
export function readMembers(json: JsonObject): readonly {
  readonly id: bigint;
  /** Empty until it has started. */
  readonly name: string;
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}[] {
  return objects(json, "members").map((member) => {
    const urls = field(member, "clientURLs") ?? [];
    if (!Array.isArray(urls) || !urls.every((url) => typeof url === "string")) {
      throw new MalformedAnswerError("a wrong value of clientURLs");
    }
    return {
      id: int64(member, "ID"),
      name: text(member, "name"),
      clientUrls: urls,
      isLearner: truth(member, "isLearner"),
    };
  });
}
