import { lockKey, lockNameIn } from "./lock_name.ts";

/** The names of one lock. */
export interface LockIdentity {
  /** The text that the name is computed from. */
  readonly key: string;
  /** The name that the backend uses. */
  readonly name: string;
  /** The name shown to people: `--name`, or the command's first word, since the other words may be secret. */
  readonly title: string;
}

/** Locks that are held together, and the names of all of them in one text. */
export interface LockIdentities {
  /** The lock under which the ledger records the run. */
  readonly main: LockIdentity;
  /** All of them, the main one first, in the order of their names. */
  readonly all: readonly LockIdentity[];
  /** Their keys, one a line. */
  readonly keys: string;
  /** Their names, with blanks between them. */
  readonly names: string;
  /** Their titles, for a list in a sentence. */
  readonly titles: string;
}

/** The settings that name locks. */
export interface LockNames {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  /** The names of several locks, in the order of the locks; `name` is then the first one. */
  readonly names?: readonly string[] | undefined;
}

/** The identity of the lock with this `--name`, or else of the lock for this command line. */
export function identityOf(words: readonly string[], { namespace, name }: LockNames): LockIdentity {
  const key = name ?? lockKey(words);
  return { key, name: lockNameIn(namespace, key), title: name ?? words[0] ?? key };
}

/** Like {@linkcode identityOf}, for one or more locks. */
export function identitiesOf(words: readonly string[], { namespace, name, names = [] }: LockNames): LockIdentities {
  const main = identityOf(words, { namespace, name });
  const all = [main, ...names.slice(1).map((name) => identityOf([], { namespace, name }))];
  const joined = (part: keyof LockIdentity, separator: string) => all.map((lock) => lock[part]).join(separator);
  return { main, all, keys: joined("key", "\n"), names: joined("name", " "), titles: joined("title", ", ") };
}
