import assert from "node:assert/strict";
import { withPortHint } from "../../../lib/backends/network/usual_ports.ts";
import { failure } from "../open.ts";

const at = (port: number) => ({ transport: "tcp", host: "db", port }) as const;
const TROUBLE = { what: "no answer", cure: "check it" };

Deno.test("at the usual port of another kind of server the cure says how that is written", () => {
  const cure = (title: string, port: number) => withPortHint(TROUBLE, title, at(port)).cure;
  assert.equal(
    cure("MySQL", 5432),
    "check it, or write postgres://user:password@host:5432/database if it is PostgreSQL",
  );
  assert.equal(
    cure("PostgreSQL", 3306),
    "check it, or write user:password@tcp(host:3306)/database if it is MySQL",
  );
  for (const [title, port] of [["MySQL", 3306], ["PostgreSQL", 5432], ["MySQL", 3307]] as const) {
    assert.equal(cure(title, port), "check it");
  }
  assert.deepEqual(withPortHint(TROUBLE, "MySQL", { transport: "unix", path: "/s" }), TROUBLE);
  assert.equal(
    withPortHint({ what: "no answer" }, "MySQL", at(2379)).cure,
    "write etcd://host:2379 if it is etcd",
  );
});

/** A server of another kind, at an address of this machine that nothing else uses. */
function other(port: number, greeting: Uint8Array<ArrayBuffer>): Disposable & { readonly host: string } {
  const host = "127.83.101.114";
  const listener = Deno.listen({ hostname: host, port });
  const connections: Deno.Conn[] = [];
  (async () => {
    for await (const connection of listener) {
      connections.push(connection);
      connection.write(greeting).catch(() => undefined);
    }
  })();
  return {
    host,
    [Symbol.dispose]() {
      listener.close();
      for (const connection of connections) connection.close();
    },
  };
}

Deno.test("a MySQL DSN that leads to PostgreSQL's port is told of postgres://", async () => {
  // Like PostgreSQL, it waits for the client's first word.
  using server = other(5432, new Uint8Array(0));
  const { message } = await failure(`u:p@tcp(${server.host}:5432)/?readTimeout=50ms`);
  assert.match(message, /, or write postgres:\/\/user:password@host:5432\/database if it is PostgreSQL$/);
});

for (const sslmode of ["disable", "prefer", "require"]) {
  Deno.test(`a PostgreSQL URL that leads to MySQL's port is told of tcp(), with sslmode=${sslmode}`, async () => {
    const words = new TextEncoder().encode("8.0.36\0");
    // MySQL speaks first: the length of its greeting, and the version of its protocol.
    using server = other(3306, new Uint8Array([74, 0, 0, 0, 10, ...words, ...new Array(66).fill(65)]));
    const { message } = await failure(`postgres://u:p@${server.host}:3306/x?sslmode=${sslmode}`);
    assert.match(message, /, or write user:password@tcp\(host:3306\)\/database if it is MySQL$/);
  });
}
