import type { SeraError } from "../errors.ts";
import { isPlain, plainOr } from "../text/redaction.ts";
import { namedSetting } from "./named_setting.ts";
import { type Setting, SETTING_KEYS, type SettingKey, TABLE, type Values } from "./table.ts";

/** A value and where it came from. */
export interface Found {
  readonly value: unknown;
  /** Where it is, for messages: `--verbose`, `SERA_VERBOSE`, or the config file's path. */
  readonly source: string;
  /** The class of the error about a wrong value: a flag is an argument, all else is configuration. */
  readonly error: new (what: string, cure?: string) => SeraError;
  /** Whether it is from JSON; a flag or a variable has only text. */
  readonly json: boolean;
}

/** Finds the value of a setting; undefined if it is not set. */
export type Find = (key: SettingKey) => Found | undefined;

/** Reads the values of settings. */
export class SettingValues {
  readonly find: Find;

  constructor(find: Find) {
    this.find = find;
  }

  /**
   * The value of a setting, or its default.
   *
   * @throws {SeraError} When the setting does not take it; of the class that {@linkcode Found} names.
   */
  get<K extends SettingKey>(key: K): Values[K] {
    const found = this.find(key);
    return found === undefined ? TABLE[key].default : read(key, found);
  }

  /**
   * One of several values of a setting.
   *
   * @throws {SeraError} As {@linkcode get}.
   */
  valueOf<K extends SettingKey>(key: K, value: string): NonNullable<Values[K]> {
    return read(key, { ...this.find(key)!, value });
  }

  /**
   * The values of all settings.
   *
   * @throws {SeraError} For the first that its setting does not take.
   */
  all(): Values {
    const values: { -readonly [K in SettingKey]?: Values[K] } = {};
    const read = <K extends SettingKey>(key: K) => void (values[key] = this.get(key));
    for (const key of SETTING_KEYS) read(key);
    if (!hasAll(values)) throw new TypeError("A setting was not read");
    return values;
  }
}

function read<K extends SettingKey>(key: K, found: Found): NonNullable<Values[K]> {
  const setting = TABLE[key];
  const value = setting.read(found.value, found.json);
  if (value === undefined || value === null) throw wrongValue(setting, found);
  return value;
}

/** Tells the type checker that the loop has set every key. */
function hasAll(values: Partial<Values>): values is Values {
  return SETTING_KEYS.every((key) => key in values);
}

/** The error for a value that its setting does not take. Shows the value unless it may be a server in the wrong place. */
export function wrongValue(setting: Setting, { value, source, error, json }: Found): SeraError {
  const cannot = `Cannot use ${namedSetting(setting, source)}`;
  if (value === "" && !json) {
    return new error(`${cannot}: it is empty`, "check the variable it comes from, or leave it out");
  }
  // A long text is plausible where text belongs; elsewhere it may be a secret.
  const longest = setting.kind === "text" ? 200 : undefined;
  const shown = setting.mayHoldPassword ? "" : `: ${shownValue(value, json, longest)}`;
  const quotes = typeof value === "string" && /^(["']).*\1$/s.test(value)
    ? ", without quotes, which are part of the value"
    : "";
  return new error(`${cannot}${shown}`, `it takes ${setting.takes(value, json)}${quotes}`);
}

function shownValue(value: unknown, json: boolean, longest: number | undefined): string {
  if (typeof value === "string") {
    return json && isPlain(value, longest) ? JSON.stringify(value) : plainOr(value, longest);
  }
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
