import { parseGoBoolean } from "../text/go_boolean.ts";
import { SETTINGS, type SettingSpec } from "./table.ts";
import { formatDuration, parseWait } from "../text/duration.ts";
import type { SeraError } from "../errors.ts";
import { isPlain, isServerWithPassword, plainOr } from "../text/harmless.ts";

/** A value and where it came from. */
export interface Found {
  readonly value: unknown;
  /** For errors: `--verbose`, `SERA_VERBOSE`, or the config file's path. */
  readonly source: string;
  /** The class of error that a wrong value is: a flag is an argument, the rest is configuration. */
  readonly error: new (what: string, cure?: string) => SeraError;
  /** Whether it is JSON, where `"true"` is not `true`; a flag or a variable can say it only as text. */
  readonly json: boolean;
}

/** Reads settings as what they are meant to be. Each may throw the class of error that {@linkcode Found} names. */
export class SettingValues {
  /** Finds the value of a setting, if it has one. */
  readonly find: (name: string) => Found | undefined;

  constructor(find: (name: string) => Found | undefined) {
    this.find = find;
  }

  /** Text that is not empty; for a setting with words one of these. */
  text(name: string): string | undefined {
    return this.#read(name, readText);
  }

  textOrEmpty(name: string): string | undefined {
    return this.#read(name, (spec, found) => readWord(spec, found, true));
  }

  /** False if it is not set. */
  boolean(name: string): boolean {
    return this.optionalBoolean(name) ?? false;
  }

  optionalBoolean(name: string): boolean | undefined {
    return this.#read(name, readBoolean);
  }

  /** As {@linkcode boolean}, or the word or path that the setting takes in its place. */
  booleanOr(name: string): boolean | string {
    return this.#read(name, readBooleanOrText) ?? false;
  }

  /** Milliseconds, with both bounds allowed. */
  duration(name: string, least: number, most = Infinity): number | undefined {
    return this.#read(name, (spec, found) => readDuration(spec, found, least, most));
  }

  /** The error for a value that cannot be used: it takes something else. */
  wrong(name: string, expected: string): SeraError {
    return wrong(specOf(name), this.find(name)!, expected);
  }

  #read<T>(name: string, convert: (spec: SettingSpec, found: Found) => T): T | undefined {
    const found = this.find(name);
    return found && convert(specOf(name), found);
  }
}

function specOf(name: string): SettingSpec {
  return SETTINGS.find((setting) => setting.name === name)!;
}

/** What is written in a lock's row, in a session's marks or for the command must be no server by mistake. */
function readText(spec: SettingSpec, found: Found): string {
  const text = readWord(spec, found, false);
  if (spec.kind === "text" && isServerWithPassword(text)) throw wrong(spec, found, "some text that is no server");
  return text;
}

function readWord(spec: SettingSpec, found: Found, emptyIsFine: boolean): string {
  const { value } = found;
  if (typeof value === "string" && (value !== "" || emptyIsFine) && (spec.words?.includes(value) ?? true)) return value;
  throw wrong(spec, found, spec.words ? spec.words.join(" or ") : "some text");
}

function readBoolean(spec: SettingSpec, found: Found): boolean {
  const value = asBoolean(found);
  if (value !== undefined) return value;
  throw wrong(spec, found, "true or false");
}

function readBooleanOrText(spec: SettingSpec, found: Found): boolean | string {
  const boolean = asBoolean(found);
  if (boolean !== undefined) return boolean;
  const { value } = found;
  if (typeof value === "string" && (spec.words ? spec.words.includes(value) : value.startsWith("/"))) return value;
  throw wrong(spec, found, `true, false${spec.words ? `, ${spec.words.join(" or ")}` : " or an absolute path"}`);
}

function readDuration(spec: SettingSpec, found: Found, least: number, most: number): number {
  const { value } = found;
  const ms = typeof value === "number" ? value * 1000 : typeof value === "string" ? parseWait(value) : undefined;
  if (ms !== undefined && ms >= least && ms <= most && ms !== Infinity) return ms;
  const range = most === Infinity
    ? least > 0 ? ", above 0" : ""
    : `, from ${formatDuration(least)} to ${formatDuration(most)}`;
  throw wrong(spec, found, `seconds, or a duration such as 1m30s${range}`);
}

function asBoolean({ value, json }: Found): boolean | undefined {
  if (typeof value === "boolean") return value;
  return typeof value === "string" && !json ? parseGoBoolean(value) : undefined;
}

/** The error for a value that cannot be used. It may be a server in the wrong place, and then is not repeated. */
function wrong(spec: SettingSpec, { value, source, error, json }: Found, expected: string): SeraError {
  if (value === "" && !json) {
    return new error(
      `Cannot use ${spec.name} in ${source}: it is empty`,
      "check the variable that it is from, or leave it out",
    );
  }
  // A long text is one where a text belongs.
  const longest = spec.kind === "text" ? 200 : undefined;
  const shown = spec.name === "server" ? "" : `: ${shownValue(value, json, longest)}`;
  const quotes = typeof value === "string" && /^(["']).*\1$/s.test(value)
    ? ", without quotes, which are a part of the value"
    : "";
  return new error(`Cannot use ${spec.name} in ${source}${shown}`, `it takes ${expected}${quotes}`);
}

function shownValue(value: unknown, json: boolean, longest: number | undefined): string {
  if (typeof value === "string") {
    return json && isPlain(value, longest) ? JSON.stringify(value) : plainOr(value, longest);
  }
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : JSON.stringify(value);
}
