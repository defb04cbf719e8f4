import { pidFrom, textFrom, timeFrom, wholeFrom } from "../text/untrusted.ts";
import { isLockName } from "./lock_name.ts";
import { isNamespacedName } from "./namespaced_name.ts";
import { MAX_SLOTS, slotIn } from "./slot_name.ts";

/** What a holder or waiter shows to others. Nothing in it is secret: it leaves out the command's words. */
export interface Presence {
  /** The name of the lock, or of the slot that is held. */
  readonly lock: string;
  readonly host: string;
  readonly pid: number;
  readonly label: string;
  /** When the lock was acquired, in milliseconds since 1970 by the server's clock; absent for a waiter. */
  readonly since?: number | undefined;
  /** When the session was opened, in milliseconds since 1970 by its own host's clock; only if the server does not show it. */
  readonly connected?: number | undefined;
  /** How many slots the lock has; absent for a plain lock. */
  readonly slots?: number | undefined;
  /** The names of the locks that are asked for, or held, together with it; absent if there are none. */
  readonly also?: readonly string[] | undefined;
  /** For a namespaced lock, the texts behind its two numbers: the namespace, and the name if one was given. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

/** What others may see of a run that asks for a lock. */
export interface Asker extends Pick<Presence, "label"> {
  /** For a namespaced lock, the names that others may see. */
  readonly names?: Pick<Presence, "namespace" | "name"> | undefined;
}

/** This process as a holder or waiter of the lock with this name. */
export function presenceOf(lock: string, { label, names }: Asker): Presence {
  return { lock, host: Deno.hostname(), pid: Deno.pid, label, ...names };
}

/** Reads a presence from JSON; undefined if it is invalid. Not to be trusted: anybody who can write there can forge it. */
export function readPresence(json: string): Presence | undefined {
  let value: Partial<Record<keyof Presence, unknown>> | null;
  try {
    value = JSON.parse(json);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { lock } = value;
  const pid = typeof value.pid === "number" ? pidFrom(value.pid) : undefined;
  const [host, label, namespace, name] = [value.host, value.label, value.namespace, value.name].map((text) =>
    typeof text === "string" ? textFrom(text) : undefined
  );
  if (typeof lock !== "string" || !isLock(slotIn(lock).lock)) return undefined;
  if (pid === undefined || host === undefined || label === undefined) return undefined;
  const [since, connected] = [value.since, value.connected].map((time) =>
    typeof time === "number" ? timeFrom(time) : undefined
  );
  const slots = wholeFrom(value.slots, 2, MAX_SLOTS);
  const also = Array.isArray(value.also)
    ? value.also.filter((name) => typeof name === "string" && isLock(name))
    : undefined;
  return { lock, host, pid, label, since, connected, slots, also, namespace, name };
}

/** Whether a text has the form of a lock's name, without a slot. */
function isLock(name: string): boolean {
  return isLockName(name) || isNamespacedName(name);
}
