import { ConfigError, type SeraError } from "../errors.ts";
import type { Env } from "./outside.ts";
import type { Find } from "./setting_values.ts";
import { firstWrong } from "./wrong_values.ts";

/** The variable that tells a command that a sera above it has taken SERA_SERVER away. */
export const SERVER_REMOVED = "SERA_SERVER_REMOVED";

/** No server is named, since a sera above took it away. */
export class ServerRemovedError extends ConfigError {}

/**
 * What to say where no server is named: that another setting's value is wrong, or that one was taken away, if it was.
 *
 * @param error What there is to say otherwise.
 * @param env Reads an environment variable.
 * @param fromOutside Finds a flag's or a variable's value.
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
    "name the server in a config file (/etc/sera.json, or the one that SERA_CONFIG names)",
  );
}
