import { ConfigError, UsageError } from "../errors.ts";
import type { Found } from "./setting_values.ts";
import { environmentName, type SettingKey, TABLE } from "./table.ts";

/** Tells a nested sera that the outer one removed `SERA_SERVER` from its environment. */
export const SERVER_REMOVED = "SERA_SERVER_REMOVED";

/** Reads an environment variable; undefined if it is not set or empty. */
export type Env = (name: string) => string | undefined;

/** The value of a setting that is given as a flag. The source is the flag as it was written: `--once-per`. */
export function findFlag(flags: ReadonlyMap<string, string>, key: SettingKey): Found | undefined {
  const { name, alias = name } = TABLE[key];
  const value = flags.get(name);
  const source = `--${flags.has(alias) ? alias : name}`;
  return value === undefined ? undefined : { value, source, error: UsageError, json: false };
}

/**
 * The value of a setting that is given as a flag, else as a variable.
 *
 * @throws {ConfigError} When it is given by both of its variables, with different values.
 */
export function findFlagOrVariable(flags: ReadonlyMap<string, string>, env: Env, key: SettingKey): Found | undefined {
  const flag = findFlag(flags, key);
  if (flag) return flag;
  const { name, alias } = TABLE[key];
  const found = findVariable(env, name);
  const other = alias === undefined ? undefined : findVariable(env, alias);
  if (found && other && found.value !== other.value) {
    throw new ConfigError(
      `Cannot use ${found.source} and ${other.source} together: they are the same setting, with two values`,
      "remove one",
    );
  }
  return found ?? other;
}

function findVariable(env: Env, name: string): Found | undefined {
  const source = environmentName(name);
  const value = env(source);
  return value === undefined ? undefined : { value, source, error: ConfigError, json: false };
}
