import type { Settings } from "../settings/settings.ts";
import { UsageError } from "../errors.ts";
import { isLockName } from "../lock/lock_name.ts";
import { isNamespacedName } from "../lock/namespaced_name.ts";
import { slotAskedFor } from "../who/slot_text.ts";
import { lockOf, without } from "./lock_of.ts";

/** Which locks a subcommand is asked about. */
export interface LockQuery {
  /** Whether all locks are asked for, or all in a namespace. */
  readonly all: boolean;
  /** The lock's name, if one lock is asked for. */
  readonly lock?: string | undefined;
  /** The slot, if only the holder of one is asked for. */
  readonly slot?: number | undefined;
  /** The beginning of the locks' shown names, from `--lock`. */
  readonly prefix?: string | undefined;
  /** The namespace of the lock, or of all the locks. */
  readonly namespace?: string | undefined;
  /** The `--name`, if one lock is asked for. */
  readonly name?: string | undefined;
}

/**
 * Reads which locks a subcommand is asked about: by the command's words, by `--name`, by `--lock`, by `--namespace`, or
 * all of them.
 *
 * @param words The words after the flags.
 * @param prefix The value of `--lock`.
 * @param subcommand For messages.
 * @throws {UsageError} When these contradict each other, or `--lock` is empty.
 */
export function readLockQuery(
  words: readonly string[],
  settings: Settings,
  prefix: string | undefined,
  subcommand: string,
): LockQuery {
  const { namespace, name } = settings;
  const lock = lockOf(words, settings, subcommand);
  if (prefix === undefined) {
    return { all: lock === undefined, lock, namespace, name: namespace === undefined ? undefined : name };
  }
  if (lock !== undefined) {
    const named = words.length > 0 ? undefined : settings.sourceOf("name");
    throw new UsageError(
      `Cannot choose a lock both by --lock and by ${named ?? "its command"}`,
      `leave out --lock, or ${named === undefined ? "the command" : without(named)}`,
    );
  }
  // A name copied from a table that was cut to the terminal's width ends in an ellipsis.
  const shown = prefix.replace(/…$/, "");
  if (shown === "") {
    throw new UsageError("Cannot use --lock: it is empty", "copy it from the column LOCK of sera status");
  }
  const inSlot = slotAskedFor(shown);
  const [beginning, slot] = inSlot ? [inSlot.lock, inSlot.slot] : [shown];
  if (isLockName(beginning) || isNamespacedName(beginning)) return { all: false, lock: beginning, slot };
  return { all: false, prefix: beginning, slot, namespace };
}
