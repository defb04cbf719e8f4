/**
 * A PostgreSQL connection string as libpq's `conninfo_parse` reads it: `host=db.example.org user=sera`, or a URI.
 *
 * @see https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-CONNSTRING
 * @module
 */

import { DsnError, type Show, showNothing, showQuoted } from "../network/address_text.ts";
import { isPostgresKeyword, SECRET_KEYWORDS, withoutOldNames } from "./keywords.ts";
import type { Setting, Settings } from "./setting.ts";
import { afterScheme, parseUri } from "./uri.ts";

/**
 * Reads either form, from the text alone: no service, variable or default. Keywords with empty values are kept, since
 * they override a service and a variable.
 *
 * @throws {DsnError} If the text is neither form, or has a keyword that libpq does not know.
 */
export function parseConninfo(text: string): Settings {
  const rest = afterScheme(text);
  return rest === undefined ? parsePairs(text) : parseUri(rest);
}

/**
 * `keyword = value`, where the value is in single quotes or ends at a blank. A backslash escapes the next character,
 * and is dropped at the very end. Blanks are those of C's isspace().
 */
const PAIR = /[ \t-\r]*([^= \t-\r]*)[ \t-\r]*=([ \t-\r]*)(?:'((?:\\[^]|[^'\\])*)'|(?!')((?:\\[^]|[^ \t-\r\\])*\\?))/y;
const END = /[ \t-\r]*$/y;
const UP_TO_VALUE = /[ \t-\r]*([^= \t-\r]*)[ \t-\r]*(=?)/y;

function parsePairs(text: string): Settings {
  const settings = new Map<string, Setting>();
  let show: Show = showQuoted;
  let at = 0;
  while (!matchAt(END, text, at)) {
    const pair = matchAt(PAIR, text, at);
    if (!pair) throw badPair(text, at);
    const [all, name = "", blanks, quoted, plain] = pair;
    const [keyword, value] = withoutOldNames(name, (quoted ?? plain ?? "").replace(/\\([^]?)/g, "$1"));
    if (!isPostgresKeyword(keyword)) throw unknownName(name, show);
    if (plain !== undefined && blanks !== "") refuseSwallowed(keyword, plain);
    // What follows may be the rest of a password whose blanks were not quoted.
    if (SECRET_KEYWORDS.has(keyword)) show = showNothing;
    settings.set(keyword, { value, label: keyword, show });
    at += all.length;
  }
  return settings;
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function badPair(text: string, at: number): DsnError {
  const [, name = "", equals] = matchAt(UP_TO_VALUE, text, at) ?? [];
  if (equals) {
    return new DsnError(
      "Cannot read the PostgreSQL settings: a quoted value is not closed",
      "close it with ' and write a ' in it as \\'",
    );
  }
  // A stray word may be part of a password, so only keywords are shown.
  const what = isPostgresKeyword(name) ? name : "a word";
  return new DsnError(
    `Cannot read the PostgreSQL settings: ${what} has no = after it`,
    "write keyword=value, and a value that contains spaces in single quotes",
  );
}

function unknownName(name: string, show: Show): DsnError {
  const shown = /^[A-Za-z][A-Za-z_]*$/.test(name) ? show(name, "a word before =") : "a word before =";
  return new DsnError(
    `Cannot read the PostgreSQL settings: ${shown} is not a keyword of libpq`,
    "correct it or leave it out, " +
      "and write a value that contains spaces in single quotes",
  );
}

/** Refuses `host= password=x`: libpq takes it for a host named `password=x`, which messages would then show. */
function refuseSwallowed(keyword: string, value: string): void {
  const name = /^([a-z_]+)=/.exec(value)?.[1];
  if (name === undefined || !isPostgresKeyword(name)) return;
  throw new DsnError(
    `Cannot read the PostgreSQL settings: ${keyword} has no value before the next keyword`,
    `write ${keyword}='' for the default, or quote the value`,
  );
}
