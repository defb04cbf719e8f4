import { OtherProtocolError, type ProtocolError } from "../network/protocol_error.ts";
import { broken } from "./packets.ts";

/** The state of a connection. */
export type Phase =
  /** Nothing has arrived yet. */
  | "greeting"
  /** The server has greeted, and TLS is being set up: nothing may arrive in plain text from now on. */
  | "encrypting"
  | "login"
  /** No statement is being answered. */
  | "idle"
  /** The parts of the answer to a statement. */
  | "result"
  | "columns"
  | "rows"
  /** The server has refused the connection; nothing may follow. */
  | "over";

/** The error for what MySQL or MariaDB would not send in this state; if it comes first, it is another service's. */
export function brokenIn(phase: Phase, what: string): ProtocolError {
  return phase === "greeting" ? new OtherProtocolError("MySQL") : broken(what);
}
