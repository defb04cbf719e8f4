import { ConfigError, type SeraError } from "../errors.ts";
import { type Env, SERVER_REMOVED } from "./outside.ts";
import type { Find } from "./setting_values.ts";
import { TABLE } from "./table.ts";
import { firstWrong } from "./wrong_values.ts";

/** No server is named, since the sera above removed it from the environment. */
export class ServerRemovedError extends ConfigError {}

/**
 * The error where no server is named: that another setting has a wrong value, or that the sera above removed the server
 * from the environment, if either is so.
 *
 * @param error The error otherwise.
 * @param fromOutside Finds the value of a flag or variable.
 */
export function noServer(
  error: ConfigError,
  env: Env,
  fromOutside: Find,
): SeraError {
  const wrong = firstWrong(fromOutside);
  if (wrong) return wrong;
  if (env(SERVER_REMOVED) === undefined) return error;
  return new ServerRemovedError(
    "No server: the sera that this command runs under took SERA_SERVER out of its environment, since there may be a " +
      "password in it",
    `name the server in a config file (${TABLE.config.default}, or the one that SERA_CONFIG names)`,
  );
}
