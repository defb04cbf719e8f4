/** The base of the fake servers: they listen on a free port and serve all clients. */

/** A row of an answer, by column. The first row decides whether a column is of texts or of numbers. */
export type AnswerRow = Readonly<Record<string, string | number | null>>;

/** An answer to a statement: its one row, its rows, or an error. */
export type Answer = AnswerRow | readonly AnswerRow[] | ServerError;

/** An error of the server. */
export class ServerError {
  /** @param errno MySQL's number, or PostgreSQL's SQLSTATE. */
  constructor(readonly errno: number | string, readonly message: string) {}
}

/** Returns what to send in place of a frame; frames are numbered from 0. */
export type Tamper = (frame: Uint8Array, number: number) => Uint8Array;

/** A server that runs until it is disposed of. */
export abstract class FakeServer implements Disposable {
  /** The statements received, in order. */
  readonly statements: string[] = [];
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Deno.Conn>();

  constructor() {
    this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** How many clients are connected. */
  get clients(): number {
    return this.#connections.size;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#connections) connection.close();
  }

  async #accept(): Promise<void> {
    try {
      for await (const connection of this.#listener) this.#serve(connection);
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #serve(connection: Deno.Conn): Promise<void> {
    this.#connections.add(connection);
    try {
      await this.converse(connection);
    } catch (error) {
      // The client has gone, or the server is being disposed of.
      if (!(error instanceof EndOfStream || error instanceof Deno.errors.BadResource || isReset(error))) throw error;
    } finally {
      if (this.#connections.delete(connection)) closeQuietly(connection);
    }
  }

  /** Serves a client until it says goodbye; the connection is closed afterwards. */
  protected abstract converse(connection: Deno.Conn): Promise<void>;
}

/** Joins bytes. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** The client has disconnected, perhaps in the middle of a packet. */
export class EndOfStream extends Error {}

/** Whether the client disconnected abruptly. */
export function isReset(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.Interrupted;
}

/** Closes a connection, unless it is closed already. */
export function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** Reads this many bytes. */
export async function readFully(connection: Deno.Conn, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const read = await connection.read(bytes.subarray(done));
    if (read === null) throw new EndOfStream();
    done += read;
  }
  return bytes;
}

/** Writes all of it. */
export async function writeFully(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await connection.write(bytes.subarray(done));
}
