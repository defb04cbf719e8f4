import { ConfigError, UsageError } from "../errors.ts";
import { pathOr } from "../text/redaction.ts";
import { withoutLineEnd } from "./server.ts";
import { type Find, type Found, SettingValues } from "./setting_values.ts";
import { TABLE } from "./table.ts";
import { readTrustedFile } from "./trusted_file.ts";

/** How to do without a server file that cannot be used. */
const WAYS_ON = "write the server into it, on one line and alone, or use --server or SERA_SERVER";

/**
 * Reads the server from the file that the `server-file` setting names. Flags win over variables, and these over the config
 * file, whichever of `server` and `server-file` they set.
 *
 * @param find Finds the settings as they are given, `server-file` among them.
 * @returns Finds the server that counts, and `server-file` only if that is from there.
 * @throws {ConfigError} Or of the class for where it is named: when both settings are given in the same way, or the file
 * cannot be used. No message has what is in it.
 */
export async function withServerFile(find: Find): Promise<Find> {
  const server = find("server");
  const file = find("serverFile")!;
  const path = new SettingValues(find).get("serverFile")!;
  if (server && rankOf(server) === rankOf(file)) {
    throw new file.error(
      `Cannot use ${file.json ? `server and server-file in ${file.source}` : `${server.source} and ${file.source}`} ` +
        "at once: both say where the lock lives",
      "remove one",
    );
  }
  if (server && rankOf(server) > rankOf(file)) return (key) => key === "serverFile" ? undefined : find(key);
  if (file.json && !/^(?:\/|[A-Za-z]:[\\/])/.test(path)) {
    throw new ConfigError(
      `Cannot use ${TABLE.serverFile.name} in ${file.source}: ${pathOr(path)}`,
      "it takes an absolute path there",
    );
  }
  const value = await readServer(path);
  const found = { value, source: path, error: ConfigError, json: false };
  return (key) => key === "server" ? found : find(key);
}

/** Of two values that are found the one of the higher rank counts. */
function rankOf({ json, error }: Found): number {
  return json ? 0 : error === UsageError ? 2 : 1;
}

async function readServer(path: string): Promise<string> {
  const { text } = await readTrustedFile("server file", path, WAYS_ON, noServerFile);
  const server = withoutLineEnd(text.replace(/^\uFEFF/, ""));
  if (server.trim() === "") throw new ConfigError(`Cannot use the server file: ${path}: it is empty`, WAYS_ON);
  if (/[\r\n]/.test(server)) {
    throw new ConfigError(`Cannot use the server file: ${path}: it has more than one line`, WAYS_ON);
  }
  return server;
}

/** The error for a file that is missing. A server may stand in place of the path, and then is not shown. */
function noServerFile(path: string): ConfigError {
  const shown = pathOr(path, "");
  return shown === ""
    ? new ConfigError("No server file: the path given looks like a server", "to name a server, use --server")
    : new ConfigError(`No server file: ${shown}`, WAYS_ON);
}
