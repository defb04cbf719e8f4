/** A server in the place of an etcd, which answers as a test wants. */

import { concat, EndOfStream, FakeServer, writeFully } from "../fake_server.ts";

/** A request, as it arrived. */
export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
  /** Its body, which is JSON. */
  readonly body: unknown;
}

/**
 * What to do about a request: answer with JSON and status 200, with this status and text, or with these bytes, whatever
 * they are, and close the connection then, or keep it open; answer nothing; or close the connection.
 */
export type FakeReply =
  | Readonly<Record<string, unknown>>
  | readonly [status: number, text: string]
  | Uint8Array
  | { readonly begin: Uint8Array }
  | "silence"
  | "close";

export class FakeEtcd extends FakeServer {
  /** All requests, in order. */
  readonly requests: FakeRequest[] = [];
  readonly #answer: (request: FakeRequest) => FakeReply | Promise<FakeReply>;

  constructor(answer: (request: FakeRequest) => FakeReply | Promise<FakeReply>) {
    super();
    this.#answer = answer;
  }

  /** A `server` setting. */
  get url(): string {
    return `etcd://127.0.0.1:${this.port}`;
  }

  protected async converse(connection: Deno.Conn): Promise<void> {
    for (let rest: Uint8Array = new Uint8Array();;) {
      const { request, left } = await readRequest(connection, rest);
      rest = left;
      this.requests.push(request);
      const reply = await this.#answer(request);
      if (reply === "close") return;
      if (reply === "silence") continue;
      await writeFully(connection, bytesOf(reply));
      if (reply instanceof Uint8Array) return;
    }
  }
}

function bytesOf(reply: Exclude<FakeReply, string>): Uint8Array {
  if (reply instanceof Uint8Array) return reply;
  if (isPlain(reply)) return http(...reply);
  if ("begin" in reply && reply.begin instanceof Uint8Array) return reply.begin;
  return http(200, JSON.stringify(reply), "Content-Type: application/json\r\n");
}

function isPlain(reply: FakeReply): reply is readonly [number, string] {
  return Array.isArray(reply);
}

/** An answer in HTTP. */
export function http(status: number, text: string, headers = ""): Uint8Array<ArrayBuffer> {
  const body = new TextEncoder().encode(text);
  const head = `HTTP/1.1 ${status} Status\r\n${headers}Content-Length: ${body.length}\r\n\r\n`;
  return concat([new TextEncoder().encode(head), body]);
}

/** The beginning of an answer that goes on: its parts follow, each as {@linkcode chunk} gives it. */
export const STREAM_HEAD = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

export function chunk(text: string): string {
  return `${new TextEncoder().encode(text).length.toString(16)}\r\n${text}\r\n`;
}

async function readRequest(
  connection: Deno.Conn,
  before: Uint8Array,
): Promise<{ request: FakeRequest; left: Uint8Array }> {
  let bytes = before;
  const more = async () => {
    const buffer = new Uint8Array(65_536);
    const read = await connection.read(buffer);
    if (read === null) throw new EndOfStream();
    bytes = concat([bytes, buffer.subarray(0, read)]);
  };
  const latin1 = () => new TextDecoder("latin1").decode(bytes);
  let end = -1;
  while ((end = latin1().indexOf("\r\n\r\n")) < 0) await more();
  const [first = "", ...lines] = latin1().slice(0, end).split("\r\n");
  const [method = "", path = ""] = first.split(" ");
  const headers = new Map(lines.map((line) => {
    const [name = "", ...value] = line.split(": ");
    return [name.toLowerCase(), value.join(": ")] as const;
  }));
  const to = end + 4 + Number(headers.get("content-length") ?? 0);
  while (bytes.length < to) await more();
  const body = new TextDecoder().decode(bytes.subarray(end + 4, to));
  return {
    request: { method, path, headers, body: body === "" ? undefined : JSON.parse(body) },
    left: bytes.subarray(to),
  };
}
