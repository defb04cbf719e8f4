import { cut, DsnError, percentDecode, type Show, showNothing, showQuoted } from "../network/address_text.ts";
import { isPostgresKeyword, SECRET_KEYWORDS, withoutOldNames } from "./keywords.ts";
import type { Setting, Settings } from "./setting.ts";

const SCHEME = /^postgres(?:ql)?:\/\//i;

/**
 * What follows `postgres://` or `postgresql://`, in any case, unlike libpq; undefined if the text starts with neither.
 */
export function afterScheme(text: string): string | undefined {
  const scheme = SCHEME.exec(text)?.[0];
  return scheme === undefined ? undefined : text.slice(scheme.length);
}

const HOW_TO_ESCAPE = "write each @ / ? : [ % and & in a user, password or value as %40 %2F %3F %3A %5B %25 %26";

/**
 * Reads `[user[:password]@][host[:port]][,…][/database][?keyword=value&…]` as libpq's `conninfo_uri_parse_options`.
 *
 * Stricter in one way: another @ in a host or in the database is refused, since most likely it belongs to the password.
 *
 * @throws {DsnError} If it is no such URI. Nothing that may be part of a password is shown.
 */
export function parseUri(rest: string): Settings {
  const { user, password, after } = cutUser(rest);
  const [location, query] = cut(after, "?");
  if (location.includes("@")) throw badUri("an @ is not directly before the host");
  const { hosts, ports, database } = parseLocation(location);
  // Another @, or a port that is not a number, may mean that the password was split in the wrong place.
  const isTidy = !after.includes("@") && /^[0-9,]*$/.test(ports);
  const show = isTidy ? showQuoted : showNothing;
  const settings = new Map<string, Setting>();
  const store = (name: string, encoded: string | undefined) => {
    // Unlike an empty parameter, an empty part leaves the value to a service or a variable. None of these is ever
    // shown.
    if (encoded) settings.set(name, { value: decode(encoded), label: name, show: showNothing });
  };
  store("user", user);
  store("password", password);
  store("host", hosts);
  store("port", ports);
  store("dbname", database);
  return new Map([...settings, ...parseParameters(query ?? "", show)]);
}

function badUri(problem: string): DsnError {
  return new DsnError(`Cannot read the PostgreSQL URL: ${problem}`, HOW_TO_ESCAPE);
}

/** Splits at the first @, unless a slash comes first. */
function cutUser(rest: string): { user?: string; password?: string | undefined; after: string } {
  const [, credentials, after] = /^([^@/]*)@(.*)$/s.exec(rest) ?? [];
  if (credentials === undefined || after === undefined) return { after: rest };
  const [user, password] = cut(credentials, ":");
  return { user, password, after };
}

const HOST = /(?:\[([^\]]+)\]|(?!\[)([^:/,]*))(?::([^/,]*))?(?:,|(?=\/)|$)/y;

/** Reads hosts and ports into lists with commas, as in the keywords `host` and `port`. */
function parseLocation(text: string): { hosts: string; ports: string; database: string } {
  const hosts: string[] = [];
  const ports: string[] = [];
  HOST.lastIndex = 0;
  for (let more = true; more;) {
    const match = HOST.exec(text);
    if (!match) throw badUri("a bracket is open, empty, or not followed by a port");
    hosts.push(match[1] ?? match[2] ?? "");
    ports.push(match[3] ?? "");
    more = match[0].endsWith(",");
  }
  return { hosts: hosts.join(","), ports: ports.join(","), database: text.slice(HOST.lastIndex + 1) };
}

function parseParameters(query: string, outerShow: Show): Settings {
  const settings = new Map<string, Setting>();
  let show = outerShow;
  // A trailing & is fine, an empty parameter elsewhere is not.
  for (const item of query === "" ? [] : query.replace(/&$/, "").split("&")) {
    const [name, raw, extra] = item.split("=");
    if (raw === undefined || extra !== undefined) {
      throw badUri("a parameter is not of the form keyword=value (with = in the value written as %3D)");
    }
    const [keyword, value] = withoutOldNames(...withoutSsl(decode(name!), decode(raw)));
    if (!isPostgresKeyword(keyword)) throw unknownParameter(keyword, show);
    // What follows may be the rest of a password whose & was not escaped.
    if (SECRET_KEYWORDS.has(keyword)) show = showNothing;
    settings.set(keyword, { value, label: keyword, show });
  }
  return settings;
}

/** Turns JDBC's `ssl=true` into sslmode=require, as libpq does. */
function withoutSsl(name: string, value: string): [name: string, value: string] {
  return name === "ssl" && value === "true" ? ["sslmode", "require"] : [name, value];
}

function unknownParameter(name: string, show: Show): DsnError {
  const shown = /^[A-Za-z][A-Za-z_]*$/.test(name) ? show(name, "a parameter") : "a parameter";
  const hint = name === "ssl" ? "write sslmode=disable or ssl=true" : "correct it or leave it out";
  return new DsnError(
    `Cannot read the PostgreSQL URL: ${shown} is not a keyword of libpq`,
    `${hint}, and ${HOW_TO_ESCAPE}`,
  );
}

/** Percent-decodes. As in libpq 17 and later, blanks at both ends are dropped, and others must be escaped. */
function decode(text: string): string {
  const trimmed = text.replace(/^ +| +$/g, "");
  if (trimmed.includes(" ")) throw badUri("a part of it contains a space (%20)");
  const decoded = percentDecode(trimmed);
  if (decoded === undefined || decoded.includes("\0")) throw badUri("a percent escape is invalid");
  return decoded;
}
