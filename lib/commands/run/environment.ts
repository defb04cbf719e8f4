import { holdsPassword } from "../../settings/holds_password.ts";
import { SERVER_REMOVED } from "../../settings/flag_or_variable.ts";
import { environmentName, TABLE } from "../../settings/table.ts";
import { type Io, VariableError } from "../../io.ts";

const SERVER = environmentName(TABLE.server.name);

/**
 * Changes sera's own environment, which the command inherits.
 *
 * @param variables What to set; undefined removes a variable.
 */
export function setVariables(variables: Readonly<Record<string, string | undefined>>, io: Io): void {
  hidePassword(io);
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) Deno.env.delete(name);
    else Deno.env.set(name, value);
  }
}

/**
 * Keeps a server's password out of the command's environment, even when a flag has named another server. A server without
 * a password stays, for a sera in the command; SERA_SERVER_REMOVED tells that one that a server was removed.
 */
function hidePassword(io: Io): void {
  if (!holdsPassword(serverVariable(io))) return;
  Deno.env.delete(SERVER);
  Deno.env.set(SERVER_REMOVED, "true");
}

function serverVariable(io: Io): string {
  try {
    return io.env(SERVER) ?? "";
  } catch (error) {
    // What is not text may hold anything, a password too.
    if (error instanceof VariableError) return "password";
    throw error;
  }
}
