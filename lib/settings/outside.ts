import { aliasOf, environmentName } from "./table.ts";
import { ConfigError, UsageError } from "../errors.ts";
import type { Found } from "./setting_values.ts";

/** A setting's value as a flag. */
export function foundFlag(flags: ReadonlyMap<string, string>, name: string): Found | undefined {
  const value = flags.get(name);
  return value === undefined ? undefined : { value, source: `--${name}`, error: UsageError, json: false };
}

/**
 * A setting's value as a flag, else as a variable.
 *
 * @param env Reads an environment variable.
 * @throws {ConfigError} When two variables are the same setting, with two values.
 */
export function foundOutside(
  flags: ReadonlyMap<string, string>,
  env: (name: string) => string | undefined,
  name: string,
): Found | undefined {
  const flag = foundFlag(flags, name);
  if (flag) return flag;
  const found = foundVariable(env, name);
  const alias = aliasOf(name);
  const other = alias === undefined ? undefined : foundVariable(env, alias);
  if (found && other && found.value !== other.value) {
    throw new ConfigError(
      `Cannot use ${found.source} and ${other.source} at once: they are one setting, with two values`,
      "take one out",
    );
  }
  return found ?? other;
}

function foundVariable(env: (name: string) => string | undefined, name: string): Found | undefined {
  const source = environmentName(name);
  const value = env(source);
  return value === undefined ? undefined : { value, source, error: ConfigError, json: false };
}
