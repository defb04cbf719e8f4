import { UsageError } from "../errors.ts";
import { parseGoBoolean } from "../text/go_boolean.ts";
import { plainOr } from "../text/redaction.ts";

/**
 * Whether a boolean flag was given, and not as `=false`.
 *
 * @throws {UsageError} When its value is not a boolean.
 */
export function isFlagSet(flags: ReadonlyMap<string, string>, name: string): boolean {
  const value = flags.get(name);
  if (value === undefined) return false;
  const asked = parseGoBoolean(value);
  if (asked !== undefined) return asked;
  throw new UsageError(`Cannot use --${name}: ${plainOr(value)}`, "it takes true or false");
}
