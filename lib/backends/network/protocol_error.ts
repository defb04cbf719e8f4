import { TroubleError } from "../../errors.ts";

/** What a server sent is not what sera's protocol allows. Waiting does not help. */
export abstract class ProtocolError extends TroubleError {}

/** It breaks the protocol, or is more than sera can have asked for. */
export class ProtocolViolation extends ProtocolError {
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

/** No such server begins like that: another service listens there. */
export class OtherProtocolError extends ProtocolError {
  /** @param protocol The one that was expected: "MySQL". */
  constructor(protocol: string) {
    super(
      `the program that answers there does not speak the ${protocol} protocol`,
      "check host and port, and any proxy in between",
    );
  }
}
