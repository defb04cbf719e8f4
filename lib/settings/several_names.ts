import { lockNameIn } from "../lock/lock_name.ts";
import { namedSetting } from "./named_setting.ts";
import type { Find, SettingValues } from "./setting_values.ts";
import { environmentName, TABLE } from "./table.ts";

/**
 * The names of several locks that are held together, in the order of the locks, which must be the same everywhere.
 *
 * @param given The values of `--name`, each once.
 * @throws {UsageError} When one is not a name, or a flag does not go with several names.
 * @throws {ConfigError} When a variable does not.
 */
export function severalNames(given: readonly string[], read: SettingValues): readonly string[] {
  refuseSlots(read.find, read.get("slots"));
  const namespace = read.get("namespace");
  const names = given.map((value) => ({ value, lock: lockNameIn(namespace, read.valueOf("name", value)) }));
  const sorted = names.toSorted((a, b) => a.lock < b.lock ? -1 : 1);
  // In a namespace two names may have the same number.
  return sorted.filter(({ lock }, index) => lock !== sorted[index - 1]?.lock).map(({ value }) => value);
}

function refuseSlots(find: Find, slots = 1): void {
  if (slots === 1) return;
  const { source, error } = find("slots")!;
  throw new error(
    `Cannot use ${namedSetting(TABLE.slots, source)} with several names: only one lock can have slots`,
    source === environmentName(TABLE.slots.name) ? `remove ${source}, or give one --name` : "give one --name",
  );
}
