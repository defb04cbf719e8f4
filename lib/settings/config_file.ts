import { ConfigError, messageOf } from "../errors.ts";
import { pathOr } from "../text/harmless.ts";
import { refuseEverybodys } from "../system/file_trust.ts";
import { readSmallFile, type SmallFile } from "../system/small_file.ts";
import { SETTINGS } from "./table.ts";

/** What a config file says. */
export interface ConfigFile {
  /** The values by setting, as JSON has them. */
  readonly values: ReadonlyMap<string, unknown>;
  /** All of it, a JSON object. */
  readonly text: string;
  /** What the file is that was read. */
  readonly info: Deno.FileInfo;
}

/** There is no config file. */
export class NoConfigFileError extends ConfigError {}

/** What to do without a config file; ends the one line that tells of a missing or broken one. */
const WAYS_ON = `write one such as {"server": "user:password@tcp(db.example.com:3306)/"}, or use --server file: ` +
  "to lock on this machine only";

/**
 * Reads the config file. Keys are matched without regard to case and the last of two wins, as Go's JSON does.
 *
 * @throws {ConfigError} When it is missing, cannot be read, can be written by everybody, or is not a JSON object. The
 * message names the line.
 */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  const { text, info } = await read(path);
  const data = await parseObject(path, text);
  const values = new Map<string, unknown>();
  for (const [key, value] of Object.entries(data)) {
    const setting = SETTINGS.find((setting) => setting.inConfig && setting.name === key.toLowerCase());
    // null leaves a setting as it is, as in Go.
    if (!setting || value === null) continue;
    // JSON.parse puts a key where it stood first.
    const twice = values.has(setting.name);
    values.set(setting.name, twice ? data[await lastSpelling(text, setting.name, data)] : value);
  }
  return { values, text, info };
}

/** How the key that counts is written, where several mean the same setting. */
async function lastSpelling(text: string, name: string, data: Record<string, unknown>): Promise<string> {
  const { keysOf } = await import("./json_keys.ts");
  return keysOf(text).findLast((key) => key.toLowerCase() === name && data[key] !== null)!;
}

async function read(path: string): Promise<SmallFile> {
  try {
    const file = await readSmallFile(path);
    refuseEverybodys(path, file.info, true);
    return file;
  } catch (error) {
    // Where the runtime lets sera open next to nothing, to write one would not help.
    const isClosed = /^\/(dev|proc|sys)\//.test(path);
    if (error instanceof Deno.errors.NotFound && !isClosed) throw noConfigFile(path);
    throw (await import("./unread_config.ts")).unreadConfig(path, error, isClosed, WAYS_ON);
  }
}

async function parseObject(path: string, text: string): Promise<Record<string, unknown>> {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    // Not V8's whole message: it quotes the text around the fault, which may hold the password.
    const { lineOfFault } = await import("./json_fault.ts");
    const line = lineOfFault(text, messageOf(error));
    throw new ConfigError(
      `Cannot read the config file: ${path}: not valid JSON at line ${line}`,
      `fix it, or ${WAYS_ON}`,
    );
  }
  if (typeof data !== "object" || data === null || Array.isArray(data)) {
    throw new ConfigError(`Cannot read the config file: ${path}: not a JSON object at line 1`, WAYS_ON);
  }
  return data as Record<string, unknown>;
}

/** A server in the place of the file may hold a password, so that it is not repeated. */
function noConfigFile(path: string): NoConfigFileError {
  const shown = pathOr(path, "");
  return new NoConfigFileError(
    shown === "" ? "No config file: what is named as one looks like a server" : `No config file: ${shown}`,
    shown === "" ? "name a server with --server" : WAYS_ON,
  );
}
