/** The proxy counts round trips right, whatever the speed of those on its two sides. */

import assert from "node:assert/strict";
import { until } from "./observe.ts";
import { Proxy } from "./proxy.ts";
import { RoundTrips } from "./round_trips.ts";

/** Holds answers back for far longer than it takes to send what does not wait for them; in milliseconds. */
const DELAY = 100;

/** Sends a greeting if requested, echoes each line, and closes after `bye`. */
function startServer(greeting = ""): { readonly port: number } & Disposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  void (async () => {
    for await (const connection of listener) void serve(connection, greeting);
  })();
  return { port: listener.addr.port, [Symbol.dispose]: () => listener.close() };
}

async function serve(connection: Deno.Conn, greeting: string): Promise<void> {
  using _ = connection;
  await connection.write(encode(greeting));
  for (const buffer = new Uint8Array(100);;) {
    const size = await connection.read(buffer).catch(() => null);
    if (size === null) return;
    await connection.write(buffer.subarray(0, size));
    if (decode(buffer.subarray(0, size)).endsWith("bye\n")) return;
  }
}

/** A client of it, through the proxy. */
class Client implements Disposable {
  readonly #connection: Deno.Conn;
  #read = "";

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  static async connect({ port }: Proxy): Promise<Client> {
    return new Client(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  async say(line: string): Promise<void> {
    await this.#connection.write(encode(`${line}\n`));
  }

  /** Waits for a line, or for the end if there is no line any more. */
  async hear(): Promise<string | undefined> {
    for (const buffer = new Uint8Array(100); !this.#read.includes("\n");) {
      const size = await this.#connection.read(buffer);
      if (size === null) return undefined;
      this.#read += decode(buffer.subarray(0, size));
    }
    const end = this.#read.indexOf("\n");
    const line = this.#read.slice(0, end);
    this.#read = this.#read.slice(end + 1);
    return line;
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

/** Counts the round trips through a delaying proxy. */
async function count(work: (proxy: Proxy) => Promise<void>, greeting?: string): Promise<RoundTrips> {
  using server = startServer(greeting);
  await using proxy = await Proxy.open(server.port);
  proxy.delay = DELAY;
  await work(proxy);
  return proxy.roundTrips;
}

Deno.test("each message after an answer is one more round trip, and records in which it was sent", async () => {
  const trips = await count(async (proxy) => {
    using client = await Client.connect(proxy);
    for (const line of ["one", "two", "two"]) {
      await client.say(line);
      assert.equal(await client.hear(), line);
    }
  });
  assert.deepEqual([trips.answered, trips.asked], [4, 4]);
  assert.deepEqual([trips.first(/^one\n/), trips.first(/two/), trips.first(/two/, 3)], [2, 3, 4]);
  assert.equal(String(trips), "2: one·\n3: two·\n4: two·\n");
  assert.throws(() => trips.first(/three/), /^Error: Was not sent: \/three\/; but\n2: one/);
});

Deno.test("pipelined messages count once, even if they are not sent at once", async () => {
  const trips = await count(async (proxy) => {
    using client = await Client.connect(proxy);
    await client.say("one");
    await new Promise((resolve) => setTimeout(resolve, 1));
    await client.say("two");
    assert.deepEqual([await client.hear(), await client.hear()], ["one", "two"]);
    await client.say("three");
    assert.equal(proxy.roundTrips.answered, 2);
    await client.hear();
  });
  assert.deepEqual([trips.answered, trips.first(/two/), trips.first(/three/)], [3, 2, 3]);
});

Deno.test("a server's greeting is a round trip, and a goodbye is not waited for", async () => {
  const trips = await count(async (proxy) => {
    using client = await Client.connect(proxy);
    assert.equal(await client.hear(), "welcome");
    await client.say("one");
    await client.hear();
    await client.say("bye");
    await until(() => proxy.roundTrips.asked === 4, "the farewell has come");
  }, "welcome\n");
  assert.deepEqual([trips.answered, trips.asked], [3, 4]);
});

Deno.test("waiting for the server to close the connection is a round trip", async () => {
  const trips = await count(async (proxy) => {
    using client = await Client.connect(proxy);
    await client.say("one");
    await client.hear();
    await client.say("bye");
    await client.hear();
    assert.equal(await client.hear(), undefined);
  });
  assert.equal(trips.answered, 3);
});

Deno.test("two simultaneous connections count once, two consecutive ones twice, each with its setup", async () => {
  const ask = async (proxy: Proxy) => {
    using client = await Client.connect(proxy);
    await client.say("one");
    await client.hear();
  };
  assert.equal((await count(async (proxy) => void await Promise.all([ask(proxy), ask(proxy)]))).answered, 2);
  const inTurn = await count(async (proxy) => {
    await ask(proxy);
    await ask(proxy);
  });
  assert.equal(inTurn.answered, 4);
});

Deno.test("a message is matched to the answers passed on before it", () => {
  const trips = new RoundTrips();
  const [one, other] = [trips.connection(), trips.connection()];
  one.toldServer(one.sent(encode("a")));
  other.toldServer(other.sent(encode("b")));
  const [toA, toB] = [one.answeredWith(), other.answeredWith()];
  one.toldClient(toA);
  assert.equal(one.sent(encode("c")), 3);
  // It is in flight when b is answered, which does not add a round trip.
  other.toldClient(toB);
  assert.deepEqual([trips.answered, trips.asked], [2, 3]);
  // A later connection is made after that, and its greeting comes when it has been made.
  assert.equal(trips.connection().answeredWith(), 4);
});

Deno.test("every byte is delayed, each way", async () => {
  await count(async (proxy) => {
    using client = await Client.connect(proxy);
    const began = performance.now();
    await client.say("one");
    await client.hear();
    // Timers may fire a little early.
    assert.ok(performance.now() - began > 2 * DELAY - 2);
  });
});

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
