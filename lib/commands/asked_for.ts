import type { Settings } from "../settings/settings.ts";
import { UsageError } from "../errors.ts";
import { isLockName } from "../lock/lock_name.ts";
import { isNamespacedName } from "../lock/namespaced_name.ts";
import { lockOf } from "./lock_of.ts";

/** Which locks a subcommand is asked about. */
export interface Asked {
  /** Whether nothing but perhaps a namespace narrows them down. */
  readonly all: boolean;
  /** The one lock's name, if it is one. */
  readonly lock?: string | undefined;
  /** What is shown of the locks begins with this. */
  readonly prefix?: string | undefined;
  /** Of the one lock, or of all that are asked about. */
  readonly namespace?: string | undefined;
  /** The one lock's `--name`. */
  readonly name?: string | undefined;
}

/**
 * Reads which locks a subcommand is asked about: by the command's words, by `--name`, by `--lock`, or all of them, perhaps
 * those of a namespace.
 *
 * @param words The words after the flags.
 * @param prefix The value of `--lock`.
 * @param subcommand For messages.
 * @throws {UsageError} When that makes no sense.
 */
export function askedFor(
  words: readonly string[],
  settings: Settings,
  prefix: string | undefined,
  subcommand: string,
): Asked {
  const { namespace, name } = settings;
  const lock = lockOf(words, settings, subcommand);
  if (prefix === undefined) {
    return { all: lock === undefined, lock, namespace, name: namespace === undefined ? undefined : name };
  }
  if (lock !== undefined) {
    // It may be a name that a variable sets.
    const other = words.length > 0 ? "by its command" : "by its name";
    throw new UsageError(`Cannot ask for a lock by --lock and ${other} at once`, "leave one of them out");
  }
  // As it is copied from a terminal that was not wide enough.
  const shown = prefix.replace(/…$/, "");
  if (shown === "") {
    throw new UsageError("Cannot ask for a lock by an empty --lock", "take it from LOCK of sera status");
  }
  if (isLockName(shown) || isNamespacedName(shown)) return { all: false, lock: shown };
  return { all: false, prefix: shown, namespace };
}
