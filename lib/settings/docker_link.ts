import { ConfigError } from "../errors.ts";

/** The error about a `SERA_NAME` that Docker has set by accident. */
export function dockerLinkError(source: string, name: string): ConfigError {
  return new ConfigError(
    `Cannot use ${source}: ${name} looks like what Docker sets for a link to a container named sera, and would ` +
      "rename the lock",
    `unset ${source}, or set --name`,
  );
}
