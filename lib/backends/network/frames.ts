import { Buffer } from "node:buffer";
import type { Socket } from "node:net";

/** The longest answer that is accepted, including everything that comes with it, in bytes; real ones are shorter. */
export const MAX_ANSWER_SIZE = 1024 * 1024;

/** How a protocol divides its stream into frames, and which frames are valid. */
export interface Framing {
  /** The size of the header that contains the length of a frame, in bytes. */
  readonly headerLength: number;
  /**
   * The length of a frame in bytes, with its header.
   *
   * @param header The header; more may follow.
   * @throws {ProtocolError} When it is impossible, or too long.
   */
  sizeOf(header: Buffer): number;
  /**
   * Checks a whole frame before the driver sees it.
   *
   * @throws {ProtocolError} When it is not valid at this point.
   */
  check(frame: Buffer): void;
  /** The error for a valid frame that the driver cannot read. */
  unreadable(): Error;
}

/** Divides a stream of bytes into frames, in whatever chunks it arrives. */
export class FrameReader {
  readonly #framing: Framing;
  /** The frame that an earlier chunk began; only its header until its length is known. */
  #begun: Buffer = Buffer.alloc(0);
  #filled = 0;
  #sized = false;
  #left = 0;

  constructor(framing: Framing) {
    this.#framing = framing;
  }

  /** How many bytes have arrived after the last frame that was yielded. */
  get left(): number {
    return this.#left;
  }

  /** Yields the frames that a chunk completes, one by one: each may decide how the next is read. */
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
 * Passes only complete, valid frames on to a driver that already listens to the socket. After the first invalid frame the
 * socket is no longer read. It stays open: closing it would make the server free the lock while the command may still run.
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
      // Whatever the driver throws here was caused by the frame.
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

/** Reads a frame from beginning to end, and never beyond. */
export class FrameCursor {
  #at: number;

  /** @param broken Makes the error that is thrown when the frame is too short or too long. */
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

  /** Skips some bytes. */
  skip(length: number): void {
    if (length < 0 || length > this.rest) throw this.broken();
    this.#at += length;
  }

  /** Some bytes as text, one character per byte. */
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

  /** A number of up to six bytes, in this byte order. */
  number(length: number, endian: "big" | "little"): number {
    this.skip(length);
    const begin = this.#at - length;
    return endian === "big" ? this.frame.readUIntBE(begin, length) : this.frame.readUIntLE(begin, length);
  }

  /**
   * Skips a text that ends with a zero byte.
   *
   * @returns The length of the text.
   */
  nullTerminated(): number {
    const end = this.frame.indexOf(0, this.#at);
    if (end < 0) throw this.broken();
    const length = end - this.#at;
    this.#at = end + 1;
    return length;
  }

  /** Throws if there is anything left. */
  end(): void {
    if (this.rest > 0) throw this.broken();
  }
}
