/**
 * How to reach a PostgreSQL server, as libpq would: from a connection string, a service file, environment variables, a
 * password file, and defaults.
 *
 * @see https://www.postgresql.org/docs/18/libpq-connect.html
 * @module
 */

import { lineOf, type Trouble } from "../../errors.ts";
import { mayBeServer } from "../../text/redaction.ts";
import { DsnError } from "../network/address_text.ts";
import { completeSettings } from "./complete.ts";
import { parseConninfo } from "./conninfo.ts";
import { type HostSlot, readHosts } from "./hosts.ts";
import { isPostgresKeyword, withoutOldNames } from "./keywords.ts";
import { findPassword, readPasswordFile } from "./passfile.ts";
import type { PostgresServer, PostgresSurroundings } from "./server.ts";
import { badSetting, readChoice, readInteger, type Setting, type Settings } from "./setting.ts";
import { readTls } from "./tls_settings.ts";
import { afterScheme } from "./uri.ts";

/** A Go DSN of a user named postgres, whose password starts with two slashes; hosts of a URI have no parentheses. */
const GO_LIKE_URI = /@(?:tcp|unix)?\([^@]*\)\/[^/]*$/s;
/** A Go DSN whose user looks like `keyword=value`. */
const GO_LIKE_PAIRS = /@(?:tcp|unix)(?:\([^@]*\))?\/[^/]*$|^\S*@(?:\([^@]*\))?\/[^/]*$/s;

/**
 * Whether a `server` setting is meant for PostgreSQL: a URI (its scheme in any case), or a libpq keyword followed by an
 * equals sign. Never true for a Go MySQL DSN.
 */
export function isPostgresServer(text: string): boolean {
  if (afterScheme(text) !== undefined) return !GO_LIKE_URI.test(text);
  const name = /^\s*([a-z_]+)\s*=/.exec(text)?.[1];
  return name !== undefined && isPostgresKeyword(withoutOldNames(name, "")[0]) && !GO_LIKE_PAIRS.test(text);
}

/**
 * Reads a PostgreSQL connection string, and completes it as libpq would.
 *
 * @param text A URI or `keyword=value` pairs; empty takes everything from the surroundings.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parsePostgresServer } from "./address.ts";
 *
 * const surroundings = { env: () => undefined, home: undefined, systemUser: () => undefined };
 * const server = parsePostgresServer("postgresql://sera@db.example.org/locks", surroundings);
 * assert.equal(server.database, "locks");
 * ```
 * @throws {DsnError} If something cannot be read, is invalid, or asks for what sera does not support.
 */
export function parsePostgresServer(text: string, surroundings: PostgresSurroundings): PostgresServer {
  const settings = completeSettings(parseConninfo(text), surroundings);
  const notes: Trouble[] = [];
  const note = (trouble: Trouble) => void notes.push(trouble);
  for (const name of ["user", "dbname"]) refuseServer(settings.get(name));
  const slots = readHosts(settings);
  const user = settings.get("user")?.value ?? readSystemUser(surroundings);
  const database = settings.get("dbname")?.value ?? user;
  const tls = readTls({ settings, surroundings, note }, slots.some((slot) => slot.address.transport === "tcp"));
  if (tls.sslmode === "verify-full") refuseNameless(settings, slots);
  const password = settings.get("password")?.value;
  let noPassword: string | undefined;
  const entries = password !== undefined ? [] : readPasswordFile(settings, surroundings, (why) => {
    const { what, cure = "correct passfile (PGPASSFILE), or write it in the server setting" } = why;
    noPassword = lineOf({ what: `${what.charAt(0).toLowerCase()}${what.slice(1)}`, cure });
    note(why);
  });
  const hosts = slots.map(({ port, passfileHost, ...host }) => ({
    ...host,
    ...present("password", password ?? findPassword(entries, [passfileHost, `${port}`, database, user])),
  }));
  if (entries.length > 0 && hosts.some((host) => host.password === undefined)) {
    noPassword = "no line of the password file matches the host, port, database and user; add one";
  }
  return {
    hosts,
    user,
    database,
    ...tls,
    ...present("connectTimeout", readConnectTimeout(settings)),
    targetSessionAttrs: readTarget(settings),
    ...present("applicationName", settings.get("application_name")?.value),
    ...present("options", settings.get("options")?.value),
    keepalives: readKeepalives(settings),
    ...present("noPassword", noPassword),
    notes,
  };
}

/** Refuses a URL in place of a name: messages, the server's too, would show it with its password. */
function refuseServer(setting: Setting | undefined): void {
  if (!setting || !mayBeServer(setting.value)) return;
  throw badSetting(setting, "it looks like a whole server", "write that in the server setting");
}

function readSystemUser(surroundings: PostgresSurroundings): string {
  const user = surroundings.systemUser();
  if (user === undefined) {
    throw new DsnError(
      "No user for PostgreSQL: the system user that runs sera has no name",
      "add user to the server, or set PGUSER",
    );
  }
  return user;
}

/** An object with this property; an empty one if there is no value. */
function present<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : { [key]: value } as { [P in K]: V };
}

/** Refuses a TCP host without a name to compare with its certificate. */
function refuseNameless(settings: Settings, slots: readonly HostSlot[]): void {
  if (slots.every((slot) => slot.address.transport === "unix" || slot.certificateName !== undefined)) return;
  throw badSetting(
    settings.get("hostaddr")!,
    "sslmode=verify-full compares a host's name with its certificate",
    "add host next to hostaddr",
  );
}

/** Reads seconds, returns milliseconds. As in libpq, below 1 means no limit, and 1 counts as 2. */
function readConnectTimeout(settings: Settings): number | undefined {
  const seconds = readInteger(settings, "connect_timeout") ?? 0;
  return seconds > 0 ? Math.max(seconds, 2) * 1000 : undefined;
}

function readTarget(settings: Settings): PostgresServer["targetSessionAttrs"] {
  const setting = settings.get("target_session_attrs");
  if (setting && ["read-only", "standby", "prefer-standby"].includes(setting.value)) {
    throw badSetting(
      setting,
      `a lock on a ${setting.value} server does not count elsewhere`,
      "write primary or read-write",
    );
  }
  return readChoice(settings, "target_session_attrs", ["any", "read-write", "primary"]) ?? "any";
}

function readKeepalives(settings: Settings): PostgresServer["keepalives"] {
  const isOn = (readInteger(settings, "keepalives") ?? 1) !== 0;
  const idle = readInteger(settings, "keepalives_idle") ?? 0;
  return isOn && (idle > 0 ? { idle } : {});
}
