import type { RecordedRun, Runner } from "../../ledger/run.ts";
import { slotIn } from "../../lock/slot_name.ts";
import { exactFrom, LONGEST_TEXT, pidFrom, textFrom, timeFrom, wholeFrom } from "../../text/untrusted.ts";
import type { KeyValue } from "./answers.ts";
import { type JsonObject, NonsenseError, parseJson } from "./json.ts";
import { idIn } from "./ledger_keys.ts";

/**
 * The version of the values that this sera knows; each tells the version known to its writer. A new version may only add
 * members, and what a version does not know it leaves as it is.
 */
export const VERSION = 1;

/** The form of an outcome; a later version of sera may have others. */
const OUTCOME = /^[a-z]{1,20}$/;

/** The outcome of a run whose value has no valid one. */
const NO_OUTCOME = "unknown";

/** A run as etcd has it. */
export interface StoredRun extends RecordedRun {
  /** The whole of its value. */
  readonly json: JsonObject;
  /** The revision in which it was last changed. */
  readonly changed: bigint;
  /** Until when it is kept, in milliseconds since 1970 by the clock of the machine that wrote it; undefined forever. */
  readonly expires: number | undefined;
  /** For how long a lease was to keep it from being repeated, in milliseconds; 0 if none. */
  readonly every: number;
}

/** Reads a run, which others may have written: what is invalid is left out. Undefined if it is none at all. */
export function readRun({ key, value, changed }: KeyValue): StoredRun | undefined {
  const id = idIn(key);
  const json = readValue(value);
  if (id === undefined || json === undefined) return undefined;
  const outcome = own(json, "outcome", textOf) ?? "";
  return {
    id,
    lock: own(json, "lock", textOf) ?? "",
    key: own(json, "key", textOf),
    label: own(json, "label", textOf) ?? "",
    host: own(json, "host", textOf) ?? "",
    pid: own(json, "pid", pidFrom),
    user: own(json, "user", textOf) ?? "",
    started: own(json, "started", timeFrom),
    finished: own(json, "finished", timeFrom),
    exitCode: own(json, "exit_code", (value) => wholeFrom(value, 0, 2 ** 32 - 1)),
    outcome: OUTCOME.test(outcome) ? outcome : NO_OUTCOME,
    json,
    changed,
    expires: own(json, "expires", timeFrom),
    every: own(json, "every", (span) => wholeFrom(span)) ?? 0,
  };
}

/** Reads a value as an object of JSON; undefined if it is none. */
export function readValue(value: Uint8Array): JsonObject | undefined {
  try {
    return parseJson(new TextDecoder().decode(value));
  } catch (error) {
    if (error instanceof NonsenseError) return undefined;
    throw error;
  }
}

/** A member of a value, if it is there and valid. */
export function own<T>(json: JsonObject, name: string, read: (value: unknown) => T | undefined): T | undefined {
  return Object.hasOwn(json, name) ? read(json[name]) : undefined;
}

/** A whole number of 64 bits, which stands in a text. */
export function idFrom(value: unknown): bigint | undefined {
  return typeof value === "string" ? exactFrom(value) : undefined;
}

/** The value of a new run. */
export function newRun(
  lock: string,
  key: string | undefined,
  { label, host, pid, user }: Runner,
  more: JsonObject,
): JsonObject {
  return {
    version: VERSION,
    lock: cut(lock),
    ...key === undefined ? {} : { key: cut(key) },
    label: cut(label),
    host: cut(host),
    pid,
    user: cut(user),
    // Tells it from another run that is just like it.
    mark: crypto.randomUUID(),
    ...more,
  };
}

/** As much of a text as is kept. */
export function cut(text: string): string {
  const whole = text.toWellFormed();
  return whole.length <= LONGEST_TEXT ? whole : [...whole].slice(0, LONGEST_TEXT).join("");
}

/** Whether a run is of the same lock as a name, in whichever slot. */
export function isOf({ lock }: RecordedRun, name: string): boolean {
  return slotIn(lock).lock === slotIn(name).lock;
}

/** What of a run is not only etcd's. */
export function recorded(
  { json: _json, changed: _changed, expires: _expires, every: _every, ...run }: StoredRun,
): RecordedRun {
  return run;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? textFrom(value) : undefined;
}
