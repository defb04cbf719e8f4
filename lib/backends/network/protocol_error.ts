import { TroubleError } from "../../errors.ts";

/** What a server sent breaks its protocol, or is more than sera can have asked for. Waiting does not help. */
export class ProtocolError extends TroubleError {
  /**
   * @param protocol The one that it breaks: "MySQL".
   * @param what What was sent, or what is wrong with it; never its content.
   */
  constructor(protocol: string, what: string) {
    super(
      `the server violates the ${protocol} protocol (${what})`,
      "check the address and any proxy in between, and see the server's log",
    );
  }
}
