import { SETTING_KEYS, type SettingKey, TABLE } from "./table.ts";

/**
 * Where each setting comes from, such as `server from SERA_SERVER`. Tells no value.
 *
 * @param sourceOf Tells where a setting comes from; undefined for its default.
 */
export function sourcesText(sourceOf: (key: SettingKey) => string | undefined): string {
  const set = SETTING_KEYS.flatMap((key) => {
    const source = sourceOf(key);
    return source === undefined ? [] : [`${TABLE[key].name} from ${source}`];
  });
  return [...set, set.length === 0 ? "all by default" : "the others by default"].join(", ");
}
