import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { Connection } from "mysql2";
import { guard } from "../network/frames.ts";
import { LoginRefusedError } from "./auth.ts";
import { MySqlFrames } from "./frames.ts";
import { broken } from "./packets.ts";
import { ProtocolError } from "../network/protocol_error.ts";

/** A packet as the driver extracts it from a frame, or from several compressed ones. */
interface Packet {
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
  sequenceId: number;
}

/** The part of the driver's connection used here. It is not public; tests against real servers would see it change. */
interface DriverConnection {
  stream: Socket;
  readonly config: { ssl: unknown };
  readonly sequenceId: number;
  readonly packetParser: { readonly packetHeaderLength: number; execute(data: Uint8Array): void };
  handlePacket(packet?: Packet): void;
  _handleFatalError(error: Error): void;
}

/** The length of a compressed frame's header, in bytes. */
const COMPRESSED = 7;

/** Checks every packet of the server before the driver sees it. */
export class MySqlGuard {
  readonly #driver: DriverConnection;
  readonly #frames: MySqlFrames;
  /** Whether to log in without TLS if the server has none. */
  readonly #mayDoWithout: boolean;
  #left = () => 0;
  /** Whether the driver is reading a packet. */
  #reading = false;
  #error: Error | undefined;
  #failed: (error: Error) => void = () => undefined;

  /**
   * @param connection A new one, from which nothing has been read yet.
   * @param tls Whether it will be encrypted, see {@linkcode encrypted}; "if offered": where the server has TLS.
   */
  constructor(connection: Connection, tls: boolean | "if offered") {
    this.#driver = connection as unknown as DriverConnection;
    this.#mayDoWithout = tls === "if offered";
    this.#frames = new MySqlFrames(tls !== false);
    this.#watchPackets();
    this.#watchErrors();
    this.#watch(this.#driver.stream);
  }

  /**
   * Sets the callback for a bad packet, and calls it at once if one has already arrived. After a bad packet nothing
   * more is read.
   */
  onFailure(failed: (error: Error) => void): void {
    this.#failed = failed;
    if (this.#error) failed(this.#error);
  }

  /** Call this for each message before it is sent, with how many statements it has. */
  statementSent(statements = 1): void {
    this.#frames.statementSent(statements);
  }

  /**
   * Makes sure that nothing arrived in plain text after the greeting: once TLS is up, it would look like the server's.
   *
   * @throws {ProtocolError} When something did.
   */
  refusePlainText(): void {
    if (this.#left() > 0) throw broken("something in plain text where TLS should start");
  }

  /** Reads from this TLS socket from now on. */
  encrypted(secure: Socket): void {
    this.#driver.stream = secure;
    secure.on("data", (data) => this.#driver.packetParser.execute(data as Uint8Array));
    this.#watch(secure);
  }

  /** TLS is up and the server's certificate accepted; the login continues. */
  secured(): void {
    this.#frames.secured();
  }

  #watch(socket: Socket): void {
    const reader = guard(socket, this.#frames, (error) => this.#fail(error));
    this.#left = () => reader.left;
  }

  #watchPackets(): void {
    const driver = this.#driver;
    const handle = driver.handlePacket.bind(driver);
    driver.handlePacket = (packet) => {
      if (packet === undefined) return handle();
      if (this.#error) return;
      try {
        const inOrder = packet.sequenceId === driver.sequenceId;
        this.#frames.checkPacket(packet.buffer.subarray(packet.start + 4, packet.end), inOrder);
      } catch (error) {
        // Not thrown: the driver uncompresses in a callback of its own, where an exception would end the process.
        return this.#fail(error as Error);
      }
      if (this.#mayDoWithout && this.#frames.lacksTls) driver.config.ssl = false;
      // Otherwise the driver would warn on stderr about an error packet that is out of order.
      packet.sequenceId = driver.sequenceId;
      this.#reading = true;
      handle(packet);
      this.#reading = false;
      this.#frames.compressed = driver.packetParser.packetHeaderLength === COMPRESSED;
    };
  }

  /** Replaces exceptions of the driver's parser, or of zlib, which would tell the user nothing. */
  #watchErrors(): void {
    const driver = this.#driver;
    const handle = driver._handleFatalError.bind(driver);
    driver._handleFatalError = (error) => {
      const { code } = error as { readonly code?: string };
      const ours = error instanceof LoginRefusedError || error instanceof ProtocolError;
      const unreadable = this.#reading && !ours || /^(Z_|ERR_BUFFER)/.test(code ?? "");
      handle(unreadable ? this.#frames.unreadable() : error);
    };
  }

  #fail(error: Error): void {
    if (this.#error) return;
    this.#error = error;
    this.#driver.stream.pause();
    this.#failed(error);
  }
}
