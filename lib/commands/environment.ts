import { holdsPassword } from "../settings/holds_password.ts";
import { SERVER_REMOVED } from "../settings/outside.ts";
import { environmentName, TABLE } from "../settings/table.ts";
import { type Io, VariableError } from "../io.ts";

const SERVER = environmentName(TABLE.server.name);

/**
 * Makes sera's own environment what its command is to have.
 *
 * @param variables What to set; undefined takes a variable out.
 */
export function setVariables(variables: Readonly<Record<string, string | undefined>>, io: Io): void {
  hidePassword(io);
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) Deno.env.delete(name);
    else Deno.env.set(name, value);
  }
}

/**
 * Keeps a server's password out of the command's environment, also when a flag has named another server. A server that is
 * known to have none stays, for a sera in the command; such a one can tell that it was taken away.
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
    // What is no text at all may be anything.
    if (error instanceof VariableError) return "password";
    throw error;
  }
}
