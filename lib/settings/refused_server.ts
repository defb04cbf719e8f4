import { ConfigError } from "../errors.ts";
import type { DsnError } from "../backends/registry.ts";

/**
 * The error for a `server` setting that cannot be read.
 *
 * @param source Where it came from.
 * @param error What is wrong with it, as its reader says.
 */
export function refusedServer(text: string, source: string, error: DsnError): ConfigError {
  const cannot = `Cannot use the server in ${source}`;
  // Nothing else may be repeated: a server may hold a password.
  if (/^(?:\/|\.\.?\/|~)[\w./-]*$/.test(text)) {
    const folder = text.startsWith("/") ? text : "/some/dir";
    return new ConfigError(`${cannot}: it is a path`, `write file:${folder} to lock on this machine only`);
  }
  return new ConfigError(`${cannot}: ${error.what[0]!.toLowerCase()}${error.what.slice(1)}`, error.cure);
}
