import { pidFrom, textFrom, timeFrom } from "../text/foreign.ts";
import { isLockName } from "./lock_name.ts";
import { isNamespacedName } from "./namespaced_name.ts";

/** Who asks for a lock, or holds it, as others may see it. Nothing of it is secret: a command's words are not in it. */
export interface Presence {
  /** The lock's name. */
  readonly lock: string;
  readonly host: string;
  readonly pid: number;
  readonly label: string;
  /** When the lock was acquired, in milliseconds since 1970 by the server's clock; absent for who waits. */
  readonly since?: number | undefined;
  /** When the session was opened, in milliseconds since 1970 by its own host's clock; only where the server tells nobody. */
  readonly connected?: number | undefined;
  /** Of a namespaced lock, what its two numbers are made of: the namespace, and the name if one was given. */
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

/** Who asks for a lock, and what others may see of it. */
export interface Asker extends Pick<Presence, "label"> {
  /** Of a namespaced lock, what others may see of its names. */
  readonly names?: Pick<Presence, "namespace" | "name"> | undefined;
}

/** The presence of this process for a lock of this name. */
export function presenceOf(lock: string, { label, names }: Asker): Presence {
  return { lock, host: Deno.hostname(), pid: Deno.pid, label, ...names };
}

/** Reads a presence from JSON; undefined if it is none. Whoever can write there may have made it up. */
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
  if (typeof lock !== "string" || !isLockName(lock) && !isNamespacedName(lock)) return undefined;
  if (pid === undefined || host === undefined || label === undefined) return undefined;
  const [since, connected] = [value.since, value.connected].map((time) =>
    typeof time === "number" ? timeFrom(time) : undefined
  );
  return { lock, host, pid, label, since, connected, namespace, name };
}
