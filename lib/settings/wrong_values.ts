import type { SeraError } from "../errors.ts";
import { duration } from "./kinds.ts";
import { type Find, wrongValue } from "./setting_values.ts";
import { type Setting, SETTING_KEYS, TABLE } from "./table.ts";

/**
 * The error for the first setting with a value of the wrong kind. Reported instead of something that is missing, since it
 * may be the reason: a flag that lacks its value swallows the next word.
 *
 * @returns Undefined if there is none. A duration that is out of its limits does not count.
 */
export function firstWrong(find: Find): SeraError | undefined {
  for (const key of SETTING_KEYS) {
    const found = find(key);
    const setting = withoutLimits(TABLE[key]);
    if (found && !takesAnyText(setting) && setting.read(found.value, found.json) === undefined) {
      return wrongValue(setting, found);
    }
  }
  return undefined;
}

function withoutLimits(setting: Setting): Setting {
  return setting.kind === "duration" ? { ...setting, ...duration() } : setting;
}

function takesAnyText({ kind }: Setting): boolean {
  return kind === "text" || kind === "file";
}
