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

/** The identity of the lock with this `--name`, or else of the lock for a command of these words. */
export function identityOf(
  words: readonly string[],
  { namespace, name }: { readonly namespace?: string | undefined; readonly name?: string | undefined },
): LockIdentity {
  const key = name ?? lockKey(words);
  return { key, name: lockNameIn(namespace, key), title: name ?? words[0] ?? key };
}
