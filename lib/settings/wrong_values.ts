import type { SeraError } from "../errors.ts";
import { duration } from "./kinds.ts";
import { type Find, wrongValue } from "./setting_values.ts";
import { type Setting, SETTING_KEYS, TABLE } from "./table.ts";

/**
 * The error for the first value that is none of its setting's, where something is missing besides: a flag without its
 * value takes the next word for that, and a value is what its user looks at first.
 *
 * @param find Finds the value of a setting, if it has one.
 * @returns Undefined where each value is one that its setting may have, but for limits.
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
