import { lockKey, lockNameIn } from "./lock_name.ts";

/** What one lock is called. */
export interface LockIdentity {
  /** The text that the name is made of. */
  readonly key: string;
  /** What the place where it is kept knows it by. */
  readonly name: string;
  /** What people call it: its `--name`, or the command's first word, since the others may hold secrets. */
  readonly title: string;
}

/** The identity of a lock: of the one that is named, or of the one that these words of a command share. */
export function identityOf(
  words: readonly string[],
  { namespace, name }: { readonly namespace?: string | undefined; readonly name?: string | undefined },
): LockIdentity {
  const key = name ?? lockKey(words);
  return { key, name: lockNameIn(namespace, key), title: name ?? words[0] ?? key };
}
