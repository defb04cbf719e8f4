/**
 * How a holder is asked to release its lock: the request is put into the value of the holder's key, which keeps its create
 * revision and its lease. Each renewal reads the key's modification revision anyway, so that checking costs nothing.
 */

import type { Requester } from "../../lock/end_request.ts";
import { textFrom } from "../../text/untrusted.ts";

/** The longest value that is read, in bytes. */
const MAX_VALUE_SIZE = 65_536;

/** A holder's value with the request in it; undefined if the value is not sera's. */
export function withEndRequest(value: Uint8Array, { label, host }: Requester): string | undefined {
  const presence = objectIn(value);
  return presence && JSON.stringify({ ...presence, asked: { label, host } });
}

/** A holder's original value, without a request. */
export function withoutEndRequest(value: Uint8Array): string {
  const { asked: _, ...presence } = objectIn(value) ?? {};
  return JSON.stringify(presence);
}

/** Who asks, according to the holder's value; undefined if nobody does. */
export function readEndRequest(value: Uint8Array): Requester | undefined {
  const asked = objectIn(value)?.asked;
  if (typeof asked !== "object" || asked === null) return undefined;
  const { label, host } = asked as Record<keyof Requester, unknown>;
  return { label: textFrom(label), host: textFrom(host) };
}

function objectIn(value: Uint8Array): Record<string, unknown> | undefined {
  if (value.length > MAX_VALUE_SIZE) return undefined;
  try {
    const object = JSON.parse(new TextDecoder().decode(value));
    return typeof object === "object" && object !== null && !Array.isArray(object) ? object : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
