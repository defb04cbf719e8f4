import { ConfigError, messageOf } from "../errors.ts";
import { pathOr } from "../text/redaction.ts";
import { SETTINGS } from "./table.ts";
import { readTrustedFile } from "./trusted_file.ts";

/** What a config file says. */
export interface ConfigFile {
  /** The values by the names of their settings, as JSON has them. */
  readonly values: ReadonlyMap<string, unknown>;
  /** The whole file, a JSON object. */
  readonly text: string;
  /** The status of the file that was read. */
  readonly info: Deno.FileInfo;
}

/** There is no config file. */
export class NoConfigFileError extends ConfigError {}

/** How to do without a config file that is missing or broken. */
const WAYS_ON = `write one such as {"server": "user:password@tcp(db.example.com:3306)/"}, or use --server file: ` +
  "to lock on this machine only";

/**
 * Reads the config file. As in Go, keys are matched case-insensitively, and the last of two for one setting counts.
 *
 * @throws {ConfigError} When it is missing, cannot be read, can be written by everybody, or is not a JSON object; then
 * the message names the line.
 */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  const { text: read, info } = await readTrustedFile("config file", path, WAYS_ON, noConfigFile);
  // Some editors begin a file with a byte order mark.
  const text = read.replace(/^\uFEFF/, "");
  const data = await parseObject(path, text);
  const values = new Map<string, unknown>();
  for (const [key, value] of Object.entries(data)) {
    const setting = SETTINGS.find((setting) => setting.inConfig && setting.name === key.toLowerCase());
    // As in Go, null sets nothing.
    if (!setting || value === null) continue;
    // The order of the entries does not tell which is the last: a key that is repeated stands where it stood first.
    const twice = values.has(setting.name);
    values.set(setting.name, twice ? data[await lastSpelling(text, setting.name, data)] : value);
  }
  return { values, text, info };
}

/** The spelling of the last key for a setting. */
async function lastSpelling(text: string, name: string, data: Record<string, unknown>): Promise<string> {
  const { keysOf } = await import("./json_keys.ts");
  return keysOf(text).findLast((key) => key.toLowerCase() === name && data[key] !== null)!;
}

async function parseObject(path: string, text: string): Promise<Record<string, unknown>> {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    // V8's own message is not shown: it quotes the text around the mistake, which may hold a password.
    const { jsonErrorLine } = await import("./json_error_line.ts");
    const line = jsonErrorLine(text, messageOf(error));
    throw new ConfigError(
      `Cannot read the config file: ${path}: not valid JSON at line ${line}`,
      `fix it, or ${WAYS_ON}`,
    );
  }
  if (!isObject(data)) {
    throw new ConfigError(`Cannot read the config file: ${path}: not a JSON object at line 1`, WAYS_ON);
  }
  return data;
}

function isObject(data: unknown): data is Record<string, unknown> {
  return typeof data === "object" && data !== null && !Array.isArray(data);
}

/** The error for a file that is missing. A server may stand in place of the path, and then is not shown. */
function noConfigFile(path: string): NoConfigFileError {
  const shown = pathOr(path, "");
  return new NoConfigFileError(
    shown === "" ? "No config file: the path given looks like a server" : `No config file: ${shown}`,
    shown === "" ? "to name a server, use --server" : WAYS_ON,
  );
}
