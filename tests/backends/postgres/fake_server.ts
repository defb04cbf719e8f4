/**
 * A PostgreSQL server that answers as a test wants, for answers that a real one does not give on demand. It accepts every
 * login, and has no TLS.
 *
 * @see https://www.postgresql.org/docs/current/protocol-message-formats.html
 */

import {
  type Answer,
  type AnswerRow,
  concat,
  FakeServer,
  readFully,
  ServerError,
  type Tamper,
  writeFully,
} from "../fake_server.ts";

const text = new TextEncoder();

/** In place of the protocol version: asks for TLS. */
const SSL_REQUEST = 80877103;

/** The process id of every session. */
export const PID = 4242;

/** A server that runs until it is disposed of. */
export class FakePostgres extends FakeServer {
  readonly #answer: (sql: string) => Answer;
  readonly #tamper: Tamper;
  #messages = 0;

  /**
   * @param answer Called with each statement.
   * @param tamper Called with each message that is sent.
   */
  constructor(answer: (sql: string) => Answer, tamper: Tamper = (message) => message) {
    super();
    this.#answer = answer;
    this.#tamper = tamper;
  }

  /** A `server` setting that leads to it. */
  get url(): string {
    return `postgres://sera:secret@127.0.0.1:${this.port}/sera`;
  }

  protected override async converse(connection: Deno.Conn): Promise<void> {
    while (numberIn(await receive(connection)) === SSL_REQUEST) await writeFully(connection, text.encode("N"));
    await this.#send(connection, [
      message("R", uint(0, 4)),
      message("S", [...cString("server_version"), ...cString("16.0-fake")]),
      message("K", [...uint(PID, 4), ...uint(7, 4)]),
      READY,
    ]);
    for (;;) {
      const type = String.fromCharCode((await readFully(connection, 1))[0]!);
      const content = await receive(connection);
      if (type === "X") break;
      const sql = new TextDecoder().decode(content.subarray(0, -1));
      this.statements.push(sql);
      await this.#send(connection, [...result(this.#answer(sql)), READY]);
    }
  }

  /** Sends all messages in one write, as servers do. */
  async #send(connection: Deno.Conn, messages: Uint8Array[]): Promise<void> {
    await writeFully(connection, concat(messages.map((message) => this.#tamper(message, this.#messages++))));
  }
}

/** A message with its type and length. */
export function message(type: string, content: readonly number[]): Uint8Array {
  return new Uint8Array([...text.encode(type), ...uint(content.length + 4, 4), ...content]);
}

const READY = message("Z", ["I".charCodeAt(0)]);

/** An error or a notice. */
export function trouble(type: "E" | "N", words: string, state = "XX000"): Uint8Array {
  const fields = [["S", type === "N" ? "NOTICE" : state.startsWith("57P") ? "FATAL" : "ERROR"], ["C", state], [
    "M",
    words,
  ]];
  return message(type, [...fields.flatMap(([field, value]) => cString(field + value!)), 0]);
}

function result(answer: Answer): Uint8Array[] {
  if (answer instanceof ServerError) {
    return [trouble("E", answer.message, typeof answer.errno === "string" ? answer.errno : undefined)];
  }
  const rows = Array.isArray(answer) ? answer as readonly AnswerRow[] : [answer as AnswerRow];
  const names = Object.keys(rows[0] ?? {});
  if (names.length === 0) return [message("C", cString("SET"))];
  // A name, then a table and a column of none, a type's number and size, a modifier, and that it comes as text.
  const columns = names.flatMap((name) => [...cString(name), ...uint(0, 6), ...uint(25, 4), ...uint(0, 8)]);
  return [
    message("T", [...uint(names.length, 2), ...columns]),
    ...rows.map((row) => message("D", [...uint(names.length, 2), ...Object.values(row).flatMap(field)])),
    message("C", cString(`SELECT ${rows.length}`)),
  ];
}

function field(value: string | number | null): number[] {
  if (value === null) return [255, 255, 255, 255];
  const bytes = text.encode(String(value));
  return [...uint(bytes.length, 4), ...bytes];
}

/** A message without a type, or what follows a type. */
async function receive(connection: Deno.Conn): Promise<Uint8Array> {
  return await readFully(connection, numberIn(await readFully(connection, 4)) - 4);
}

function numberIn(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

/** Big end first. */
function uint(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, index) => (value / 2 ** (8 * (bytes - 1 - index))) & 0xff);
}

function cString(value: string): number[] {
  return [...text.encode(value), 0];
}
