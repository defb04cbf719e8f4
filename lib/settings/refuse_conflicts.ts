import { ConfigError, UsageError } from "../errors.ts";
import { namedSetting } from "./named_setting.ts";
import type { Settings } from "./settings.ts";
import { type SettingKey, TABLE } from "./table.ts";

/** Two settings that exclude each other, and why. */
interface Conflict {
  readonly key: SettingKey;
  readonly other: string;
  readonly why: string;
  readonly cure?: string;
}

/**
 * Refuses slots and `replace` together with settings that exclude them.
 *
 * @param wait The wait in milliseconds; undefined if it is not known.
 * @throws {UsageError} When the first of the two is a flag.
 * @throws {ConfigError} When it is a variable.
 */
export function refuseConflicts(settings: Settings, wait?: number): void {
  const clash = conflictIn(settings, wait);
  if (!clash) return;
  const { key, other, why, cure = "leave out one of the two" } = clash;
  const source = settings.sourceOf(key)!;
  const kind = source.startsWith("--") ? UsageError : ConfigError;
  throw new kind(`Cannot use ${namedSetting(TABLE[key], source)} with ${other}: ${why}`, cure);
}

function conflictIn(settings: Settings, wait: number | undefined): Conflict | undefined {
  const { slots = 1, waitAndSkip, replace, names } = settings;
  const hasSlots = slots > 1;
  if (hasSlots && waitAndSkip) {
    return { key: "slots", other: "wait-and-skip", why: "of several runs it is not clear which one is waited for" };
  }
  if (!replace) return undefined;
  if (hasSlots) {
    return { key: "replace", other: "slots", why: "of several holders it is not clear which one is to end" };
  }
  if (names) return { key: "replace", other: "several names", why: "it replaces the holder of one lock" };
  if (waitAndSkip) {
    return { key: "replace", other: "wait-and-skip", why: "one ends the holder, the other waits for it" };
  }
  if (settings.sourceOf("maxWaiters") === "--max-waiters") {
    return { key: "replace", other: "max-waiters", why: "of those with replace only the last one waits" };
  }
  if (wait === 0) {
    return { key: "replace", other: "a wait of 0", why: "the holder needs time to end", cure: "wait longer" };
  }
  return undefined;
}
