import { ConfigError, UsageError } from "../errors.ts";
import { shownSetting } from "./shown_setting.ts";
import type { Settings } from "./settings.ts";
import type { SettingKey } from "./table.ts";

/** Two settings that exclude each other, and why. */
interface Conflict {
  readonly key: SettingKey;
  readonly other: string;
  readonly why: string;
  /** Whether the other is a wait of 0. */
  readonly noWait?: true;
}

/**
 * Refuses slots and `replace` together with settings that exclude them.
 *
 * @param wait The wait in milliseconds; undefined if it is not known.
 * @param waiting How to make it longer.
 * @throws {UsageError} When the first of the two is a flag.
 * @throws {ConfigError} When it is a variable.
 */
export function refuseConflicts(settings: Settings, wait?: number, waiting = "wait longer"): void {
  const clash = conflictIn(settings, wait);
  if (!clash) return;
  const { key, other, why, noWait } = clash;
  const kind = settings.sourceOf(key)!.startsWith("--") ? UsageError : ConfigError;
  throw new kind(
    `Cannot use ${shownSetting(key, settings)} with ${other}: ${why}`,
    noWait ? waiting : "leave out one of the two",
  );
}

function conflictIn(settings: Settings, wait: number | undefined): Conflict | undefined {
  const { slots = 1, waitAndSkip, replace, names } = settings;
  const hasSlots = slots > 1;
  const shown = (key: SettingKey) => shownSetting(key, settings);
  if (hasSlots && waitAndSkip) {
    return {
      key: "slots",
      other: shown("waitAndSkip"),
      why: "of several runs it is not clear which one is waited for",
    };
  }
  if (!replace) return undefined;
  if (hasSlots) {
    return { key: "replace", other: shown("slots"), why: "of several holders it is not clear which one is to end" };
  }
  if (names) return { key: "replace", other: "several names", why: "it replaces the holder of one lock" };
  if (waitAndSkip) {
    return { key: "replace", other: shown("waitAndSkip"), why: "one ends the holder, the other waits for it" };
  }
  if (settings.sourceOf("maxWaiters") === "--max-waiters") {
    return { key: "replace", other: shown("maxWaiters"), why: "of those with --replace only the last one waits" };
  }
  if (wait === 0) {
    return { key: "replace", other: "a wait of 0", why: "the holder needs time to end", noWait: true };
  }
  return undefined;
}
