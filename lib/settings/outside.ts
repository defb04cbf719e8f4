import { ConfigError, UsageError } from "../errors.ts";
import type { Found } from "./setting_values.ts";
import { environmentName, type SettingKey, TABLE } from "./table.ts";

/** Reads an environment variable. */
export type Env = (name: string) => string | undefined;

/** A setting's value as a flag; the source is the name that the flag was given by. */
export function foundFlag(flags: ReadonlyMap<string, string>, key: SettingKey): Found | undefined {
  const { name, alias = name } = TABLE[key];
  const value = flags.get(name);
  const source = `--${flags.has(alias) ? alias : name}`;
  return value === undefined ? undefined : { value, source, error: UsageError, json: false };
}

/**
 * A setting's value as a flag, else as a variable.
 *
 * @throws {ConfigError} When two variables are the same setting, with two values.
 */
export function foundOutside(flags: ReadonlyMap<string, string>, env: Env, key: SettingKey): Found | undefined {
  const flag = foundFlag(flags, key);
  if (flag) return flag;
  const { name, alias } = TABLE[key];
  const found = foundVariable(env, name);
  const other = alias === undefined ? undefined : foundVariable(env, alias);
  if (found && other && found.value !== other.value) {
    throw new ConfigError(
      `Cannot use ${found.source} and ${other.source} at once: they are one setting, with two values`,
      "take one out",
    );
  }
  return found ?? other;
}

function foundVariable(env: Env, name: string): Found | undefined {
  const source = environmentName(name);
  const value = env(source);
  return value === undefined ? undefined : { value, source, error: ConfigError, json: false };
}
