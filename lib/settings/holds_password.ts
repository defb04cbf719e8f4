import { hasNoPassword } from "../backends/registry.ts";
import { withoutLineEnd } from "./server.ts";

/** Whether a `server` setting may hold a password; true when in doubt. */
export function holdsPassword(text: string): boolean {
  const server = withoutLineEnd(text);
  return server !== "" && !hasNoPassword(server);
}
