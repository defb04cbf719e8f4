import { TroubleError } from "../../errors.ts";

/** What came from a server breaks its protocol, or goes beyond all that sera asks for. Waiting does not cure it. */
export class ProtocolError extends TroubleError {
  /**
   * @param protocol The one that it breaks: "MySQL".
   * @param what What came, or what is wrong with it; never its content.
   */
  constructor(protocol: string, what: string) {
    super(
      `the server breaks the protocol of ${protocol} (${what})`,
      "check the address and what stands between, and see the server's log",
    );
  }
}
