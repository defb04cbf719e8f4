import { namedSetting } from "./named_setting.ts";
import type { Settings } from "./settings.ts";
import { type SettingKey, TABLE } from "./table.ts";

/** A setting in a message about another one: where it is set, as {@linkcode namedSetting} says it, else its flag. */
export function shownSetting(key: SettingKey, { sourceOf }: Pick<Settings, "sourceOf">): string {
  return namedSetting(TABLE[key], sourceOf(key) ?? `--${TABLE[key].name}`);
}
