import { ConfigError, type SeraError, type Trouble } from "../errors.ts";
import { keyWarnings, variableWarnings } from "./setting_warnings.ts";
import { type Env, SERVER_REMOVED } from "./flag_or_variable.ts";
import type { Find } from "./setting_values.ts";
import { TABLE } from "./table.ts";
import { firstWrong } from "./wrong_values.ts";

/** No server is named, and the reason is known. */
export class NoServerError extends ConfigError {}

/**
 * The error where no server is named. Says so if another setting has a wrong value, if the outer sera removed the server
 * from the environment, or if a key or variable is probably a mistyped one for it.
 *
 * @param error The error otherwise.
 * @param fromOutside Finds the value of a flag or variable.
 * @param file The config file, if there is one.
 */
export function noServer(
  error: ConfigError,
  env: Env,
  fromOutside: Find,
  file?: { readonly path: string; readonly text: string },
): SeraError {
  const wrong = firstWrong(fromOutside);
  if (wrong) return wrong;
  if (env(SERVER_REMOVED) === undefined) {
    const mistyped = mistypedServer(file);
    return mistyped ? new NoServerError(`No server: ${uncapitalized(mistyped.what)}`, mistyped.cure) : error;
  }
  return new NoServerError(
    "No server: the outer sera removed SERA_SERVER from this command's environment, since it may hold a password",
    `name the server in a config file (${TABLE.config.default}, or the one that SERA_CONFIG names)`,
  );
}

function mistypedServer(file: { readonly path: string; readonly text: string } | undefined): Trouble | undefined {
  const all = [...file ? keyWarnings(file.path, file.text) : [], ...variableWarnings()];
  return all.find(({ cure }) =>
    /^did you mean (?:the flag --)?(?:SERA_SERVER|server)(?:[_-](?:FILE|file))?\?/.test(cure ?? "")
  );
}

function uncapitalized(text: string): string {
  return text[0]!.toLowerCase() + text.slice(1);
}
