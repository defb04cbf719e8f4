/** What all parts of reading a DSN share: cutting text up, and showing it in errors without showing a password. */

import { ConfigError } from "../../errors.ts";
import { isPlain, matches } from "../../text/harmless.ts";

/** A DSN that cannot be used. Its message fits on one line and never holds any part of what could be a password. */
export class DsnError extends ConfigError {}

/**
 * Shows a value in a message, or says `substitute` where the value might be a piece of the password: a separator that
 * was forgotten, or left unescaped in a password, moves the password to where something else belongs.
 */
export type Show = (value: string, substitute: string) => string;

export const showNothing: Show = (_value, substitute) => substitute;
/** Where a blank or an & was forgotten, another setting is a part of the value, and that may be the password. */
export const showQuoted: Show = (value, substitute) => /[=@:]/.test(value) ? substitute : quote(value);
/** For a host and its port. Brackets and the like come from a password that holds what ends it. */
export const showAddress: Show = (value, substitute) => /[()=@]/.test(value) ? substitute : quote(value);

function quote(value: string): string {
  const quoted = JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
  // JSON leaves these line ends and controls as they are.
  return quoted.replace(/[\u007f-\u009f\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** For what stands elsewhere than in the server setting, where a whole server may have been written by mistake. */
export const showPlain: Show = (value, substitute) => isPlain(value) ? showQuoted(value, substitute) : substitute;

/** Whether it can be the name or the address of a host. What cannot may be a piece of a password, and is not shown. */
export function isHostName(text: string): boolean {
  // The zone of an IPv6 address may have any name of a network device.
  return matches(text, /^[\w.-]+$/, String.raw`^#?[\p{L}\p{N}._-]+$`) || /^[0-9a-f:.]+(%[\w.-]+)?$/i.test(text);
}

/** Splits at the first separator; the second part is undefined if there is none. */
export function cut(text: string, separator: string): [string, string | undefined] {
  const index = text.indexOf(separator);
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + separator.length)];
}

/** As Go's `url.PathUnescape`: a plus stays. Undefined if an escape is broken, or is no UTF-8 (which Go would let pass). */
export function percentDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
