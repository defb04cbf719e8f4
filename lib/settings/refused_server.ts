import { ConfigError } from "../errors.ts";
import type { DsnError } from "../backends/registry.ts";

/**
 * The error for a `server` setting that cannot be used.
 *
 * @param source Where it came from.
 * @param error What its parser says is wrong.
 */
export function refusedServer(text: string, source: string, error: DsnError): ConfigError {
  const cannot = `Cannot use the server in ${source}`;
  // A path is all that a message may repeat: another text may hold a password.
  if (/^(?:\/|\.\.?\/|~)[\w./-]*$/.test(text)) {
    const folder = text.startsWith("/") ? text : "/some/dir";
    return new ConfigError(`${cannot}: it is a path`, `write file:${folder} to lock on this machine only`);
  }
  if (text === "file") return new ConfigError(`${cannot}: the colon is missing`, "write file:");
  return new ConfigError(`${cannot}: ${error.what[0]!.toLowerCase()}${error.what.slice(1)}`, error.cure);
}
