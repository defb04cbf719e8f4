/** What all parsers of a `server` setting share: splitting it, and showing parts in errors but never a password. */

import { ConfigError } from "../../errors.ts";
import { isPlain, matches } from "../../text/redaction.ts";

/**
 * A `server` setting that cannot be used. The message is one line, without anything that could be a part of a password.
 */
export class DsnError extends ConfigError {}

/**
 * Quotes a value for a message, or returns `substitute` if the value might be a piece of the password: with a missing
 * separator, or an unescaped one in the password, a piece of the password is read as something else.
 */
export type Show = (value: string, substitute: string) => string;

export const showNothing: Show = (_value, substitute) => substitute;
/** If a space or an & is missing, the value includes the next parameter, which may be the password. */
export const showQuoted: Show = (value, substitute) => /[=@:]/.test(value) ? substitute : quote(value);
/** For a host and its port. A bracket, = or @ in it may come from a password with an unescaped separator. */
export const showAddress: Show = (value, substitute) => /[()=@]/.test(value) ? substitute : quote(value);

function quote(value: string): string {
  const quoted = JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
  // JSON does not escape these line ends and control characters.
  return quoted.replace(/[\u007f-\u009f\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** For values from elsewhere than the `server` setting, where somebody may have written a whole server by mistake. */
export const showPlain: Show = (value, substitute) => isPlain(value) ? showQuoted(value, substitute) : substitute;

/** Whether a text can be the name or address of a host. If not, it may be a piece of a password, and is not shown. */
export function isHostName(text: string): boolean {
  // The zone of an IPv6 address is any name of a network device.
  return matches(text, /^[\w.-]+$/, String.raw`^#?[\p{L}\p{N}._-]+$`) || /^[0-9a-f:.]+(%[\w.-]+)?$/i.test(text);
}

/** Splits at the first separator; the second part is undefined if there is none. */
export function cut(text: string, separator: string): [string, string | undefined] {
  const index = text.indexOf(separator);
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + separator.length)];
}

/** Like Go's `url.PathUnescape`: a plus stays. Undefined if an escape is broken or not UTF-8, which Go accepts. */
export function percentDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
