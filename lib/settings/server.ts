import type { Backend, Surroundings } from "../backends/backend.ts";
import { DsnError, isKnownForm, knownForms, parseBackend } from "../backends/registry.ts";
import { ConfigError } from "../errors.ts";

/**
 * Reads the `server` setting.
 *
 * @param text In a form of one of the registry's kinds. May hold a password: no error repeats it.
 * @param source Where the text came from, for the error.
 * @throws {ConfigError} When it cannot work.
 */
export async function parseServer(text: string, source: string, surroundings: Surroundings): Promise<Backend> {
  text = withoutLineEnd(text);
  if (beginsQuoted(text) && /^(.).*\1$|^.(?:file:|\w+:\/\/|\w+\s*=)/s.test(text)) {
    throw new ConfigError(`Cannot use the server in ${source}: the quotes around it are part of it`, "leave them out");
  }
  try {
    refuseUnknownScheme(text);
    return await parseBackend(text, surroundings);
  } catch (error) {
    if (!(error instanceof DsnError)) throw error;
    throw (await import("./refused_server.ts")).refusedServer(text, source, error);
  }
}

/** A cheap test first: nearly no server needs the pattern, which takes time to compile. */
function beginsQuoted(text: string): boolean {
  return text !== "" && "\"'`".includes(text[0]!);
}

function refuseUnknownScheme(text: string): void {
  if (text.trimStart() !== text && /^\s+(?:file:|[a-z]+:\/\/)/i.test(text)) {
    throw new DsnError("There is a space before it", "remove it");
  }
  if (!/^[a-z][a-z:]*:\/{1,2}(?!\/)/i.test(text) || isKnownForm(text)) return;
  // User, password and a slash in the database make a Go DSN of it, with a scheme for a user.
  if (/@\w*\(.*\)\//.test(text)) return;
  throw new DsnError("No kind of server has this scheme", `write ${knownForms()}`);
}

/** Without line ends after it: a secret that is read from a file often has one. */
export function withoutLineEnd(text: string): string {
  return text.replace(/[\r\n]+$/, "");
}
