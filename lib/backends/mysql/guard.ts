import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { Connection } from "mysql2";
import { guard } from "../network/frames.ts";
import { LoginRefusedError } from "./auth.ts";
import { MySqlFrames } from "./frames.ts";
import { ProtocolError } from "../network/protocol_error.ts";

/** A packet as the driver cuts it out of a frame, or out of several compressed ones. */
interface Packet {
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
  sequenceId: number;
}

/** The part of the driver's connection that is needed here; not public, so the tests against real servers guard it. */
interface DriverConnection {
  stream: Socket;
  readonly sequenceId: number;
  readonly packetParser: { readonly packetHeaderLength: number; execute(data: Uint8Array): void };
  handlePacket(packet?: Packet): void;
  _handleFatalError(error: Error): void;
}

/** How long the header of a compressed frame is. */
const COMPRESSED = 7;

/** Stands between a server and the driver, which gets to see nothing but packets that were looked at. */
export class MySqlGuard {
  readonly #driver: DriverConnection;
  readonly #frames: MySqlFrames;
  #left = () => 0;
  /** Whether the driver reads a packet. */
  #reading = false;
  #error: Error | undefined;
  #told: (error: Error) => void = () => undefined;

  /**
   * @param connection One that was just made.
   * @param tls Whether it is to be encrypted, see {@linkcode encrypted}.
   */
  constructor(connection: Connection, tls: boolean) {
    this.#driver = connection as unknown as DriverConnection;
    this.#frames = new MySqlFrames(tls);
    this.#watchPackets();
    this.#watchErrors();
    this.#watch(this.#driver.stream);
  }

  /** From now on, whom to tell what is wrong; also of what was wrong already. Then nothing more is read. */
  tell(told: (error: Error) => void): void {
    this.#told = told;
    if (this.#error) told(this.#error);
  }

  /** To be called for each statement. */
  asked(): void {
    this.#frames.asked();
  }

  /**
   * Makes sure that nothing has come in plain text beyond what asked for TLS. It would be taken for the server's later.
   *
   * @throws {ProtocolError} When something has.
   */
  nothingLeft(): void {
    if (this.#left() > 0) throw new ProtocolError("MySQL", "something in plain text where TLS begins");
  }

  /** What comes from the server comes from here now, encrypted. */
  encrypted(secure: Socket): void {
    this.#driver.stream = secure;
    secure.on("data", (data) => this.#driver.packetParser.execute(data as Uint8Array));
    this.#watch(secure);
  }

  /** The server is trusted; the login goes on. */
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
        // Thrown on, it would end the process where the driver has uncompressed the packet aside.
        return this.#fail(error as Error);
      }
      // Of an error the driver would say on stderr that it is out of order.
      packet.sequenceId = driver.sequenceId;
      this.#reading = true;
      handle(packet);
      this.#reading = false;
      this.#frames.compressed = driver.packetParser.packetHeaderLength === COMPRESSED;
    };
  }

  /** What the driver fails at in a packet, or in what should uncompress to one, says something of its code only. */
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
    this.#told(error);
  }
}
