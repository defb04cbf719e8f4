/** The kinds of places that keep locks: one line each. A kind is loaded only when the `server` setting is its. */

import type { Backend, Surroundings } from "./backend.ts";

export { DsnError } from "./network/address_text.ts";

/** What `backend.ts` of a kind's folder exports. */
export interface Parser {
  /**
   * Reads a `server` setting.
   *
   * @returns Undefined where it is another kind's after all.
   * @throws {DsnError} When it cannot work. May hold a password: the error does not repeat it.
   */
  parse(text: string, surroundings: Surroundings): Backend | undefined;
}

/** A kind of place. */
export interface Kind {
  /** How its settings begin, for messages. */
  readonly form: string;
  /** Whether a setting begins so. */
  readonly begins: RegExp;
  /** Whether a setting may be for it, told without loading anything; only where it has other forms besides. */
  readonly mayBe?: RegExp;
  load(): Promise<Parser>;
}

const postgres = () => import("./postgres/backend.ts");
const mysql = () => import("./mysql/backend.ts");

/** All kinds. */
const kinds: Kind[] = [
  { form: "postgres://", begins: /^postgres(?:ql)?:\/\//i, mayBe: /^\s*(postgres|\w+\s*=)/i, load: postgres },
  { form: "mysql://", begins: /^mysql:\/\//i, load: mysql },
  { form: "file:", begins: /^file:/, load: () => import("./file/backend.ts") },
];

/** A Go DSN begins with anything: whatever is no other kind's is MySQL's. */
const OTHERWISE: {
  readonly form: string;
  load(): Promise<{ parse: (text: string, surroundings: Surroundings) => Backend }>;
} = { form: "user:password@tcp(host)/", load: mysql };

/** Whether a setting begins as those of some kind do. */
export function isKnownForm(text: string): boolean {
  return kinds.some(({ begins }) => begins.test(text));
}

/** How settings begin, for messages. */
export function knownForms(): string {
  return `${kinds.map(({ form }) => form).join(", ")}, or ${OTHERWISE.form}`;
}

/**
 * Reads a `server` setting.
 *
 * @throws {DsnError} When it cannot work. The text may hold a password: the error does not repeat it.
 */
export async function parseBackend(text: string, surroundings: Surroundings): Promise<Backend> {
  for (const { begins, mayBe = begins, load } of kinds) {
    if (!mayBe.test(text)) continue;
    const backend = (await load()).parse(text, surroundings);
    if (backend) return backend;
  }
  return (await OTHERWISE.load()).parse(text, surroundings);
}

/**
 * Reads a server for heimdall, which locks on PostgreSQL only.
 *
 * @param text As libpq takes it; an empty one leaves all to the surroundings.
 * @throws {DsnError} When it cannot work.
 */
export async function parseForHeimdall(text: string, surroundings: Surroundings): Promise<Backend> {
  return (await postgres()).parsePostgres(text, surroundings);
}

/** Adds a kind until what it returns is disposed of; for tests. */
export function addKind(kind: Kind): Disposable {
  kinds.push(kind);
  return { [Symbol.dispose]: () => void kinds.splice(kinds.indexOf(kind), 1) };
}
