import type { RecordedRun, Runner } from "../../ledger/run.ts";
import { slotIn } from "../../lock/slot_name.ts";
import { exactFrom, MAX_TEXT_LENGTH, pidFrom, textFrom, timeFrom, wholeFrom } from "../../text/untrusted.ts";
import type { KeyValue } from "./answers.ts";
import { type JsonObject, MalformedAnswerError, parseJson } from "./json.ts";
import { idIn } from "./ledger_keys.ts";

/**
 * The version of the values' format; each value has its writer's. A new version may only add properties, and every version
 * leaves unknown properties unchanged.
 */
export const VERSION = 1;

/** The form of an outcome; a later version of sera may have others. */
const OUTCOME = /^[a-z]{1,20}$/;

/** The outcome of a run whose value has no valid one. */
const NO_OUTCOME = "unknown";

/** A run as stored in etcd. */
export interface StoredRun extends RecordedRun {
  /** Its complete value. */
  readonly json: JsonObject;
  /** The revision in which it was last changed. */
  readonly changed: bigint;
  /** Until when it is kept, in milliseconds since 1970 by the clock of the machine that wrote it; undefined for ever. */
  readonly expires: number | undefined;
  /** For how long a lease was to keep it from being repeated, in milliseconds; 0 if none. */
  readonly every: number;
}

/** Reads a run, which others may have written: what is invalid is left out. Undefined if it is not a run at all. */
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

/** Parses a value as a JSON object; undefined if it is not one. */
export function readValue(value: Uint8Array): JsonObject | undefined {
  try {
    return parseJson(new TextDecoder().decode(value));
  } catch (error) {
    if (error instanceof MalformedAnswerError) return undefined;
    throw error;
  }
}

/** A property of a value, if it exists and is valid. */
export function own<T>(json: JsonObject, name: string, read: (value: unknown) => T | undefined): T | undefined {
  return Object.hasOwn(json, name) ? read(json[name]) : undefined;
}

/** A whole number of 64 bits, which is stored as a string. */
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
    // Distinguishes it from another run that is otherwise equal.
    mark: crypto.randomUUID(),
    ...more,
  };
}

/** Truncates a text to the length that is stored. */
export function cut(text: string): string {
  const whole = text.toWellFormed();
  return whole.length <= MAX_TEXT_LENGTH ? whole : [...whole].slice(0, MAX_TEXT_LENGTH).join("");
}

/** Whether a run is under the lock of this name, in any slot. */
export function isOf({ lock }: RecordedRun, name: string): boolean {
  return slotIn(lock).lock === slotIn(name).lock;
}

/** The run without the properties that only etcd's ledger uses. */
export function recorded(
  { json: _json, changed: _changed, expires: _expires, every: _every, ...run }: StoredRun,
): RecordedRun {
  return run;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? textFrom(value) : undefined;
}
