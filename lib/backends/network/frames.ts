import { Buffer } from "node:buffer";
import type { Socket } from "node:net";

/** No answer to what sera asks is longer, with all that comes along with it, in bytes. */
export const LONGEST_ANSWER = 1024 * 1024;

/** How a protocol cuts what it sends into frames, and what it takes for one. */
export interface Framing {
  /** How many bytes of a frame tell its length. */
  readonly headerLength: number;
  /**
   * The length of a frame in bytes, with its header.
   *
   * @param header At least the header.
   * @throws {ProtocolError} When it is impossible, or too long.
   */
  sizeOf(header: Buffer): number;
  /**
   * Looks at a whole frame before a driver sees it.
   *
   * @throws {ProtocolError} When it is none that may come now.
   */
  check(frame: Buffer): void;
  /** What to say when the driver cannot read a frame all the same. */
  unreadable(): Error;
}

/** Cuts a stream of bytes into frames, however it arrives. */
export class FrameReader {
  readonly #framing: Framing;
  /** The frame, or at first its header, that an earlier chunk has begun. */
  #begun: Buffer = Buffer.alloc(0);
  #filled = 0;
  #sized = false;
  #left = 0;

  constructor(framing: Framing) {
    this.#framing = framing;
  }

  /** How many bytes have arrived after the frame that was given last. */
  get left(): number {
    return this.#left;
  }

  /** The frames that a chunk completes, one after another: what one is for may decide how the next is read. */
  *take(chunk: Buffer): Generator<Buffer> {
    for (let at = 0; at < chunk.length;) {
      if (this.#filled === 0) {
        const rest = chunk.subarray(at);
        this.#sized = rest.length >= this.#framing.headerLength;
        const size = this.#sized ? this.#framing.sizeOf(rest) : this.#framing.headerLength;
        if (size <= rest.length) {
          at += size;
          this.#left = chunk.length - at;
          yield rest.subarray(0, size);
          continue;
        }
        this.#begun = Buffer.alloc(size);
      }
      const copied = chunk.copy(this.#begun, this.#filled, at);
      at += copied;
      this.#filled += copied;
      if (this.#filled < this.#begun.length) continue;
      if (!this.#sized) {
        this.#sized = true;
        const size = this.#framing.sizeOf(this.#begun);
        if (size > this.#filled) {
          const header = this.#begun;
          this.#begun = Buffer.alloc(size);
          header.copy(this.#begun);
          continue;
        }
      }
      this.#filled = 0;
      this.#left = chunk.length - at;
      yield this.#begun;
    }
  }
}

/**
 * Lets a driver, which already listens to the socket, have whole frames that were looked at, and nothing else. After the
 * first that is wrong the socket is read no more. It stays open: a server frees a lock when it is closed, while the command
 * may still run.
 *
 * @param failed Called once, with what is wrong.
 */
export function guard(socket: Socket, framing: Framing, failed: (error: Error) => void): FrameReader {
  const listeners = socket.listeners("data") as ((frame: Buffer) => void)[];
  socket.removeAllListeners("data");
  const reader = new FrameReader(framing);
  const deliver = (frame: Buffer) => {
    try {
      for (const listener of listeners) listener.call(socket, frame);
    } catch {
      // Whatever a driver throws here, it throws at what has come.
      throw framing.unreadable();
    }
  };
  let over = false;
  socket.on("data", (chunk) => {
    if (over) return;
    try {
      for (const frame of reader.take(chunk as Buffer)) {
        framing.check(frame);
        deliver(frame);
      }
    } catch (error) {
      over = true;
      socket.pause();
      failed(error as Error);
    }
  });
  return reader;
}

/** Reads a frame from its begin to its end, and not beyond. */
export class FrameCursor {
  #at: number;

  constructor(readonly frame: Buffer, begin: number, readonly broken: () => Error) {
    this.#at = begin;
  }

  /** How many bytes are left. */
  get rest(): number {
    return this.frame.length - this.#at;
  }

  /** The next byte; undefined at the end. */
  get next(): number | undefined {
    return this.frame[this.#at];
  }

  /** Goes over some bytes. */
  skip(length: number): void {
    if (length < 0 || length > this.rest) throw this.broken();
    this.#at += length;
  }

  /** Goes over some bytes, and gives them as text, a character each. */
  text(length: number): string {
    this.skip(length);
    return this.frame.toString("latin1", this.#at - length, this.#at);
  }

  /** One byte. */
  byte(): number {
    const byte = this.frame[this.#at];
    if (byte === undefined) throw this.broken();
    this.#at++;
    return byte;
  }

  /** A number of so many bytes, up to six, the highest or the lowest of them first. */
  number(length: number, first: "highest" | "lowest"): number {
    this.skip(length);
    const begin = this.#at - length;
    return first === "highest" ? this.frame.readUIntBE(begin, length) : this.frame.readUIntLE(begin, length);
  }

  /**
   * Goes over a text that a zero byte ends.
   *
   * @returns Its length.
   */
  zeroEnded(): number {
    const end = this.frame.indexOf(0, this.#at);
    if (end < 0) throw this.broken();
    const length = end - this.#at;
    this.#at = end + 1;
    return length;
  }

  /** Makes sure that there is nothing more. */
  end(): void {
    if (this.rest > 0) throw this.broken();
  }
}
