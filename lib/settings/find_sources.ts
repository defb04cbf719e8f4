import { ConfigError, type SeraError, type Trouble, UsageError } from "../errors.ts";
import { type ConfigFile, NoConfigFileError, readConfigFile } from "./config_file.ts";
import { type Env, findFlagOrVariable } from "./flag_or_variable.ts";
import { type Find, type Found, SettingValues } from "./setting_values.ts";
import { TABLE } from "./table.ts";

/** Where the values of the settings come from. */
export interface Sources {
  readonly find: Find;
  /** The config file's path, also where there is none. */
  readonly path: string;
  readonly file: ConfigFile | undefined;
  readonly server: Found;
  /** Why a broken config file is ignored; undefined if none is. */
  readonly ignored: Trouble | undefined;
}

/**
 * Reads the config file and that of the server, and finds the server.
 *
 * @param flags The flags as given.
 * @throws {ConfigError} When the config file cannot be used, or no server is named.
 * @throws {UsageError} When a flag is wrong.
 */
export async function findSources(flags: ReadonlyMap<string, string>, env: Env): Promise<Sources> {
  const outside: Find = (key) => findFlagOrVariable(flags, env, key);
  const isNamed = outside("config") !== undefined;
  const path = new SettingValues(outside).get("config");
  let file: ConfigFile | undefined;
  let ignored: Trouble | undefined;
  try {
    file = await readConfigFile(path);
  } catch (error) {
    if (isNamed || !(error instanceof ConfigError)) throw error;
    const isMissing = error instanceof NoConfigFileError;
    // A server that is named elsewhere makes the file unnecessary, and is the way around a broken one.
    if ((outside("server") ?? outside("serverFile")) === undefined) {
      throw isMissing ? await noServer(error, env, outside) : error;
    }
    if (!isMissing) ignored = error;
  }

  const given: Find = (key) => {
    const { name } = TABLE[key];
    const found = outside(key);
    if (found || !file?.values.has(name)) return found;
    return { value: file.values.get(name), source: path, error: ConfigError, json: true };
  };
  const find = given("serverFile") ? await (await import("./server_file.ts")).withServerFile(given) : given;
  const server = find("server");
  if (!server) {
    const error = new ConfigError(
      `No server in the config file: ${path}`,
      'add "server": "user:password@tcp(db.example.com:3306)/", or use --server file: to lock on this machine only',
    );
    throw await noServer(error, env, outside, file && { path, text: file.text });
  }
  // The Go driver would take an empty server for MySQL on this machine, whose locks no other node sees.
  if (server.value === "" && server.source === "--server") {
    throw new UsageError(
      "Cannot use the server in --server: it is empty",
      "check the variable it comes from, or leave it out",
    );
  }
  return { find, path, file, server, ignored };
}

async function noServer(...about: Parameters<typeof import("./no_server.ts").noServer>): Promise<SeraError> {
  return (await import("./no_server.ts")).noServer(...about);
}
