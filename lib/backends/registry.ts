/** The kinds of backends, one entry each. A kind is loaded only when the `server` setting is for it. */

import type { Backend, Surroundings } from "./backend.ts";
import { WITHOUT_PASSWORD as ETCD_WITHOUT_PASSWORD } from "./etcd/without_password.ts";
import { WITHOUT_PASSWORD as MYSQL_WITHOUT_PASSWORD } from "./mysql/without_password.ts";
import { WITHOUT_PASSWORD as POSTGRES_WITHOUT_PASSWORD } from "./postgres/without_password.ts";

export { DsnError } from "./network/address_text.ts";

/** What a kind's `backend.ts` exports. */
export interface Parser {
  /**
   * Reads a `server` setting.
   *
   * @param text May hold a password: no error repeats it.
   * @returns Undefined if the setting turns out to be for another kind.
   * @throws {DsnError} When it cannot be used.
   */
  parse(text: string, surroundings: Surroundings): Backend | undefined;
}

/** A kind of backend. */
export interface Kind {
  /** The start of its settings, for messages. */
  readonly form: string;
  /** Matches the start of its settings. */
  readonly begins: RegExp;
  /** Matches settings that may be for it, where it has other forms besides `begins`; the parser then decides. */
  readonly mayBe?: RegExp;
  /**
   * A case-insensitive pattern for settings that certainly contain no password. If it does not match, or is absent, the
   * setting is hidden from the command. A string, since few runs need to compile it.
   */
  readonly withoutPassword?: string;
  load(): Promise<Parser>;
}

const postgres = () => import("./postgres/backend.ts");
const mysql = () => import("./mysql/backend.ts");

/** All kinds but the default. */
const kinds: Kind[] = [
  {
    form: "postgres://",
    begins: /^postgres(?:ql)?:\/\//i,
    mayBe: /^\s*(postgres|\w+\s*=)/i,
    withoutPassword: POSTGRES_WITHOUT_PASSWORD,
    load: postgres,
  },
  { form: "mysql://", begins: /^(?:mysql|mariadb):\/\//i, withoutPassword: MYSQL_WITHOUT_PASSWORD, load: mysql },
  {
    form: "etcd://",
    begins: /^etcds?:\/\//i,
    withoutPassword: ETCD_WITHOUT_PASSWORD,
    load: () => import("./etcd/backend.ts"),
  },
  {
    form: "file:",
    begins: /^file:/,
    withoutPassword: "^file:(?:/|[a-z]:[\\\\/]|$)",
    load: () => import("./file/backend.ts"),
  },
];

/** A Go DSN may begin with anything, so a setting for no other kind is for MySQL. */
const DEFAULT_KIND: Pick<Kind, "form" | "withoutPassword"> & {
  load(): Promise<{ parse: (text: string, surroundings: Surroundings) => Backend }>;
} = { form: "user:password@tcp(host)/", withoutPassword: MYSQL_WITHOUT_PASSWORD, load: mysql };

/** Whether a setting begins like those of a known kind. */
export function isKnownForm(text: string): boolean {
  return kinds.some(({ begins }) => begins.test(text));
}

/** The forms of all kinds, for messages. */
export function knownForms(): string {
  return `${kinds.map(({ form }) => form).join(", ")}, or ${DEFAULT_KIND.form}`;
}

/** Whether a `server` setting certainly contains no password. Loads nothing. */
export function hasNoPassword(text: string): boolean {
  const candidates = [...kinds.filter(({ begins, mayBe = begins }) => mayBe.test(text)), DEFAULT_KIND];
  return candidates.some(({ withoutPassword }) => withoutPassword && new RegExp(withoutPassword, "i").test(text));
}

/**
 * Reads a `server` setting.
 *
 * @param text May hold a password: no error repeats it.
 * @throws {DsnError} When it cannot be used.
 */
export async function parseBackend(text: string, surroundings: Surroundings): Promise<Backend> {
  for (const { begins, mayBe = begins, load } of kinds) {
    if (!mayBe.test(text)) continue;
    const backend = (await load()).parse(text, surroundings);
    if (backend) return backend;
  }
  return (await DEFAULT_KIND.load()).parse(text, surroundings);
}

/**
 * Reads a server for heimdall, which locks on PostgreSQL only.
 *
 * @param text As libpq takes it; if empty, everything comes from the environment.
 * @throws {DsnError} When it cannot be used.
 */
export async function parseForHeimdall(text: string, surroundings: Surroundings): Promise<Backend> {
  return (await postgres()).parsePostgres(text, surroundings);
}

/** Adds a kind until what it returns is disposed of; for tests. */
export function addKind(kind: Kind): Disposable {
  kinds.push(kind);
  return { [Symbol.dispose]: () => void kinds.splice(kinds.indexOf(kind), 1) };
}
