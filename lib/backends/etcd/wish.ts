/**
 * The wish that a holder releases its lock: it is put into the value of the holder's key, which keeps its revision of
 * creation and its lease. Each renewal reads when the key was last changed, so that it costs nothing to look.
 */

import type { Summoner } from "../../lock/summons.ts";
import { textFrom } from "../../text/foreign.ts";

/** The longest value that is read, in bytes. */
const LONGEST = 65_536;

/** A holder's value with the wish in it; undefined if the value is none of sera's. */
export function withWish(value: Uint8Array, { label, host }: Summoner): string | undefined {
  const presence = objectIn(value);
  return presence && JSON.stringify({ ...presence, asked: { label, host } });
}

/** A holder's value without a wish, as it was at first. */
export function withoutWish(value: Uint8Array): string {
  const { asked: _, ...presence } = objectIn(value) ?? {};
  return JSON.stringify(presence);
}

/** Who asks, by the holder's value; undefined if nobody does. */
export function readWish(value: Uint8Array): Summoner | undefined {
  const asked = objectIn(value)?.asked;
  if (typeof asked !== "object" || asked === null) return undefined;
  const { label, host } = asked as Record<keyof Summoner, unknown>;
  return { label: textFrom(label), host: textFrom(host) };
}

function objectIn(value: Uint8Array): Record<string, unknown> | undefined {
  if (value.length > LONGEST) return undefined;
  try {
    const object = JSON.parse(new TextDecoder().decode(value));
    return typeof object === "object" && object !== null && !Array.isArray(object) ? object : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
