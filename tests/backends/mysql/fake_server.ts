/**
 * A MySQL server that answers as a test wants, for answers that a real one does not give on demand. It accepts every
 * login.
 *
 * @see https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html
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

/** Protocol of 4.1, secure connection, transactions, authentication plugins. */
const CAPABILITIES = 0x0008a201;
/** Several statements in one message. */
const MULTI_STATEMENTS = 0x10000;
/** The server's status flags, and the flag for a following result. */
const AUTOCOMMIT = 2;
const MORE_RESULTS = 8;

/** How a server treats several statements in one message. */
export type Several =
  /** It takes them. */
  | "takes"
  /** It says when it greets that it does not, and finds an error in their syntax. */
  | "refuses"
  /** It says that it takes them, and finds an error in their syntax. */
  | "cannot read"
  /** It says that it takes them, and answers with another error. */
  | "forbids"
  /** It says that it takes them, and answers only the first. */
  | "forgets";
const QUIT = 1;

/** An authentication method; without one, the server accepts every login. */
export interface FakeLogin {
  /** The method's name in the protocol. */
  readonly plugin: string;
  /** Whether to accept a client's login. */
  admits(client: Client): Promise<boolean>;
}

/** A client that logs in. */
export interface Client {
  /** The number of the character set that it asks for. */
  readonly charset: number;
  /** Its answer to the scramble, which has 20 bytes. */
  readonly answer: Uint8Array;
  readonly scramble: Uint8Array;
  /** Sends it a packet, before its login is accepted or refused. */
  tell(payload: readonly number[]): Promise<void>;
  /** Sends it a packet, and resolves with its next one. */
  ask(payload: readonly number[]): Promise<Uint8Array>;
}

/** A server that runs until it is disposed of. */
export class FakeMySql extends FakeServer {
  readonly #answer: (sql: string) => Answer;
  readonly #login: FakeLogin | undefined;
  readonly #tamper: Tamper;
  /** How many messages with statements it received. */
  messages = 0;
  #frames = 0;

  /**
   * @param answer Called with each statement.
   * @param tamper Called with each frame that is sent.
   */
  constructor(
    answer: (sql: string) => Answer,
    login?: FakeLogin,
    tamper: Tamper = (frame) => frame,
    readonly several: Several = "takes",
  ) {
    super();
    this.#answer = answer;
    this.#login = login;
    this.#tamper = tamper;
  }

  /** A `server` setting that leads to it. */
  get dsn(): string {
    return `sera:secret@tcp(127.0.0.1:${this.port})/`;
  }

  protected override async converse(connection: Deno.Conn): Promise<void> {
    await this.#send(connection, 0, [
      greeting(this.#login?.plugin ?? "mysql_native_password", this.several !== "refuses"),
    ]);
    const { sequence, payload } = await receive(connection);
    let next = sequence + 1;
    const tell = async (payload: readonly number[]) => await this.#send(connection, next++, [[...payload]]);
    const ask = async (payload: readonly number[]) => {
      await tell(payload);
      const answer = await receive(connection);
      next = answer.sequence + 1;
      return answer.payload;
    };
    const client = { charset: payload[8]!, answer: answerIn(payload), scramble: text.encode(SCRAMBLE), tell, ask };
    if (this.#login && !await this.#login.admits(client)) {
      return await this.#send(connection, next, result(new ServerError(1045, "Access denied")));
    }
    await this.#send(connection, next, [ok(false)]);
    for (;;) {
      const { payload } = await receive(connection);
      if (payload[0] === QUIT) break;
      await this.#send(connection, 1, this.#results(new TextDecoder().decode(payload.subarray(1))));
    }
  }

  /** The packets of the answer to a message. */
  #results(text: string): number[][] {
    this.messages++;
    const statements = text.split("; ");
    if (statements.length > 1 && (this.several === "refuses" || this.several === "cannot read")) {
      return result(new ServerError(1064, "You have an error in your SQL syntax"));
    }
    if (statements.length > 1 && this.several === "forbids") {
      return result(new ServerError(1235, "This version of the proxy doesn't yet support several statements"));
    }
    if (this.several === "forgets") statements.length = 1;
    const packets: number[][] = [];
    for (const [index, sql] of statements.entries()) {
      this.statements.push(sql);
      const answer = this.#answer(sql);
      packets.push(...result(answer, index < statements.length - 1));
      if (answer instanceof ServerError) break;
    }
    return packets;
  }

  /** Sends all packets in one write, as servers do. */
  async #send(connection: Deno.Conn, sequence: number, payloads: number[][]): Promise<void> {
    const frames = payloads.map((payload, index) =>
      this.#tamper(new Uint8Array([...uint(payload.length, 3), sequence + index, ...payload]), this.#frames++)
    );
    await writeFully(connection, concat(frames));
  }
}

async function receive(connection: Deno.Conn): Promise<{ sequence: number; payload: Uint8Array }> {
  const header = await readFully(connection, 4);
  const payload = await readFully(connection, header[0]! | header[1]! << 8 | header[2]! << 16);
  return { sequence: header[3]!, payload };
}

/** Twenty bytes; the greeting sends the first eight separately. */
const SCRAMBLE = "scrambleis twelve by";

function greeting(plugin: string, takesSeveral: boolean): number[] {
  const capabilities = CAPABILITIES | (takesSeveral ? MULTI_STATEMENTS : 0);
  return [
    ...[10, ...cString("8.0.0-fake"), ...uint(1, 4)],
    ...[...cString(SCRAMBLE.slice(0, 8)), ...uint(capabilities & 0xffff, 2), 33, ...uint(2, 2)],
    ...[
      ...uint(capabilities >> 16, 2),
      21,
      ...uint(0, 10),
      ...cString(SCRAMBLE.slice(8)),
      ...cString(plugin),
    ],
  ];
}

/** The answer to the scramble in a login packet: its length and bytes follow flags, sizes, character set and user. */
function answerIn(login: Uint8Array): Uint8Array {
  const after = login.indexOf(0, 32) + 1;
  return login.slice(after + 1, after + 1 + login[after]!);
}

const ok = (more: boolean) => [0, 0, 0, ...uint(statusWith(more), 2), ...uint(0, 2)];
const eof = (more: boolean) => [0xfe, ...uint(0, 2), ...uint(statusWith(more), 2)];
const statusWith = (more: boolean) => AUTOCOMMIT | (more ? MORE_RESULTS : 0);

/** @param more Whether another result follows. */
function result(answer: Answer, more = false): number[][] {
  if (answer instanceof ServerError) {
    return [[0xff, ...uint(Number(answer.errno), 2), ...text.encode(`#HY000${answer.message}`)]];
  }
  const rows = Array.isArray(answer) ? answer as readonly AnswerRow[] : [answer as AnswerRow];
  const columns = Object.entries(rows[0] ?? {});
  if (columns.length === 0) return [ok(more)];
  const values = rows.map((row) =>
    Object.values(row).flatMap((value) => value === null ? [0xfb] : field(String(value)))
  );
  return [
    [columns.length],
    ...columns.map(([name, value]) => column(name, typeof value === "string")),
    eof(more),
    ...values,
    eof(more),
  ];
}

/** A column of texts, or of floating-point numbers. */
function column(name: string, isText: boolean): number[] {
  return [
    ...[...field("def"), ...field(""), ...field(""), ...field(""), ...field(name), ...field("")],
    ...[12, ...uint(isText ? 33 : 63, 2), ...uint(20, 4), isText ? 253 : 5, ...uint(0, 2), 31, ...uint(0, 2)],
  ];
}

/** An unsigned number, little-endian. */
function uint(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, index) => index < 4 ? (value >>> 8 * index) & 0xff : 0);
}

function cString(value: string): number[] {
  return [...text.encode(value), 0];
}

function field(value: string): number[] {
  return [value.length, ...text.encode(value)];
}
