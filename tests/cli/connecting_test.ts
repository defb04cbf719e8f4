/** How long sera keeps trying to connect, and after which errors. */

import assert from "node:assert/strict";
import { sideBySide } from "../side_by_side.ts";
import { sera } from "./program.ts";

/** Accepts connections, and does something with each. */
class Listener implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections: Deno.Conn[] = [];

  constructor(serve: (connection: Deno.Conn) => Promise<void>) {
    this.#accept(serve);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  get count(): number {
    return this.#connections.length;
  }

  async #accept(serve: (connection: Deno.Conn) => Promise<void>): Promise<void> {
    try {
      for await (const connection of this.#listener) {
        this.#connections.push(connection);
        serve(connection).catch(() => undefined);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#connections) {
      try {
        connection.close();
      } catch (error) {
        if (!(error instanceof Deno.errors.BadResource)) throw error;
      }
    }
  }
}

const SERVERS = {
  "MySQL": (port: number) => `u@tcp(127.0.0.1:${port})/`,
  "PostgreSQL": (port: number) => `postgres://u@127.0.0.1:${port}/x`,
  "two hosts of PostgreSQL": (port: number) => `postgres://u@127.0.0.1:${port},127.0.0.1:${port}/x`,
};

Deno.test("a server that accepts but stays silent does not prolong the wait", () =>
  sideBySide(Object.fromEntries(
    Object.entries(SERVERS).map(([what, server]) => [what, async () => {
      using deaf = new Listener(() => new Promise(() => undefined));
      const { code, stdout, stderr } = await sera(["--server", server(deaf.port), "2", "echo", "ran"]);
      assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
      // The shares of two hosts are over together with the wait, so the second one's end may come just before that.
      assert.match(
        stderr,
        /^sera: Cannot lock on [^\n]+: (?:not connected within 2s|no answer within (?:1|0\.\d+)s|no answer within \d+ms); check the server and the network(?:, or a pooler's log)?\n$/,
      );
    }]),
  )));

Deno.test("a silent host leaves the other host its share of the wait", async () => {
  using deaf = new Listener(() => new Promise(() => undefined));
  const closed = new Listener(() => Promise.resolve());
  const { port } = closed;
  closed[Symbol.dispose]();
  const server = `postgres://u@127.0.0.1:${deaf.port},127.0.0.1:${port}/x`;
  const { code, stderr } = await sera(["--server", server, "6", "true"]);
  assert.equal(code, 202);
  assert.match(stderr, /: no answer within (3|[12]\.\d+)s; [^\n]+: connection refused; /);
});

Deno.test("when the wait runs out, the server's refusal is reported, not the wait", async () => {
  const closed = new Listener(() => Promise.resolve());
  const { port } = closed;
  closed[Symbol.dispose]();
  const { code, stderr } = await sera(["--server", `u@tcp(127.0.0.1:${port})/`, "1", "true"]);
  assert.equal(code, 202);
  assert.match(
    stderr,
    /connection refused; [^\n]+; retrying until the wait is over\.\n[^\n]+: connection refused; [^\n]+\n$/,
  );
});

Deno.test("an error in place of TLS is waited out, and its text is not shown", () =>
  sideBySide(Object.fromEntries(["require", "allow", "prefer"].map((sslmode) => [sslmode, async () => {
    using server = new Listener(async (connection) => {
      await connection.read(new Uint8Array(100));
      await connection.write(new TextEncoder().encode("Ecould not fork new process for connection: forged\n\0"));
      connection.close();
    });
    const url = `postgres://u@127.0.0.1:${server.port}/x?sslmode=${sslmode}`;
    const { code, stderr } = await sera(["--server", url, "3", "true"]);
    assert.equal(code, 202);
    assert.ok(server.count > 1, `${server.count}`);
    assert.match(stderr, /; see its log; retrying until the wait is over\.\n[^\n]+; see its log\n$/);
    assert.doesNotMatch(stderr, /forged/);
  }]))));
