import { SETTINGS } from "./table.ts";

/**
 * Where each setting comes from, such as `server from SERA_SERVER`. No value is repeated.
 *
 * @param sourceOf Where one comes from; undefined for its default.
 */
export function sourcesText(sourceOf: (name: string) => string | undefined): string {
  const set = SETTINGS.flatMap(({ name }) => {
    const source = sourceOf(name);
    return source === undefined ? [] : [`${name} from ${source}`];
  });
  return [...set, set.length === 0 ? "all by default" : "the others by default"].join(", ");
}
