/** Ways to reach a server, and the messages when it cannot be reached. */

import assert from "node:assert/strict";
import { freePort } from "../../servers/free_port.ts";
import { ask, assertUnavailable } from "./ask.ts";
import { Blackhole } from "../blackhole.ts";
import { freshName, hold, later, never, open } from "../open.ts";
import { sharedMariaDb, sharedMySql56 } from "../shared_server.ts";
import { HANG, until } from "../../cli/wait.ts";

const ADDRESS = "SELECT SUBSTRING_INDEX(USER(), '@', -1) AS client";

for (const shared of [sharedMariaDb(), sharedMySql56()]) {
  shared.test("the server is reached over TCP, IPv6 and its socket, with the same locks", async (server) => {
    const dsns: [string, string][] = [
      [`sera:secret@tcp(127.0.0.1:${server.port})/`, "127.0.0.1"],
      [`sera:secret@(127.0.0.1:${server.port})/`, "127.0.0.1"],
      [`mysql://sera:secret@127.0.0.1:${server.port}/`, "127.0.0.1"],
      [`sera:secret@unix(${server.socket})/`, "localhost"],
    ];
    if (server.ipv6) dsns.push([`sera:secret@tcp([::1]:${server.port})/`, "::1"]);
    else console.log("left out: IPv6, which this machine or this server does not have");

    const name = freshName();
    await using holder = await open(server.dsn(), name);
    await hold(holder);
    for (const [dsn, client] of dsns) {
      assert.deepEqual({ ...await ask(dsn, ADDRESS) }, { client });
      await using other = await open(dsn, name);
      assert.equal(await other.acquire(0, never), undefined);
    }
    // As the system resolves it, which may be either family.
    assert.match(
      String((await ask(`sera:secret@tcp(localhost:${server.port})/`, ADDRESS)).client),
      /^(127\.0\.0\.1|::1)$/,
    );
  });

  shared.test("a wrong account, password or database is reported with a cure", async (server) => {
    const at = `tcp(127.0.0.1:${server.port})`;
    await assertUnavailable(
      `sera:notsecret@${at}/`,
      /Access denied for user 'sera'.+; check user and password in the DSN, /,
    );
    await assertUnavailable(
      `nobody:secret@${at}/`,
      /Access denied for user 'nobody'.+; check user and password in the DSN, /,
    );
    await assertUnavailable(`sera@${at}/`, /Access denied.+; check user and password in the DSN, /);
    await assertUnavailable(
      `sera:secret@${at}/mysql`,
      /Access denied .+'mysql'; check the database's name, or grant the user access to it/,
    );
    await assertUnavailable(
      `sera:secret@unix(${server.socket})/mysql`,
      /Access denied .+'mysql'; check the database's name, or grant the user access/,
    );
    await server.query("GRANT ALL ON missing.* TO 'sera'@'127.0.0.1'");
    await assertUnavailable(`sera:secret@${at}/missing`, /Unknown database 'missing'; create the database/);
  });

  shared.test("the DSN's database is chosen", async (server) => {
    const at = `sera:secret@tcp(127.0.0.1:${server.port})`;
    assert.equal((await ask(`${at}/sera`, "SELECT DATABASE() AS name")).name, "sera");
    assert.equal((await ask(`${at}/`, "SELECT DATABASE() AS name")).name, null);
    await server.query("CREATE DATABASE IF NOT EXISTS `odd/name`");
    await server.query("GRANT ALL ON `odd/name`.* TO 'sera'@'127.0.0.1'");
    assert.equal((await ask(`${at}/odd%2Fname`, "SELECT DATABASE() AS name")).name, "odd/name");
  });
}

Deno.test("a port without a listener is reported with a cure", async () => {
  await assertUnavailable(
    `sera:secret@tcp(127.0.0.1:${freePort()})/`,
    /connection refused; check the address, and that the server is running/,
  );
  await assertUnavailable(
    `sera:secret@tcp(localhost:${freePort(["127.0.0.1"])})/`,
    /connection refused; check the address, and that the server is running/,
  );
});

Deno.test("a missing socket is reported with a cure", async () => {
  await assertUnavailable(
    "sera:secret@unix(/nonexistent/mysql.sock)/",
    /\(\/nonexistent\/mysql.sock\): no such socket; check the path, and that the server is running/,
  );
});

Deno.test("an unknown host is reported with a cure", async () => {
  await assertUnavailable(
    "sera:secret@tcp(no-such-host.invalid:3306)/?timeout=10s",
    /no such host|looked up|reached within/,
  );
});

Deno.test({
  name: "an unreachable server ends the attempt after timeout, or at once when the signal fires",
  ignore: Deno.build.os !== "linux", // Others answer for a listener that is full.
  // An attempt that was given up ends when the kernel gives it up too.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    await using blackhole = await Blackhole.open();
    const at = `sera:secret@tcp(127.0.0.1:${blackhole.port})/`;
    const began = performance.now();
    await assertUnavailable(
      `${at}?timeout=400ms`,
      /cannot be reached within 400ms; check the address and the firewall$/,
    );
    const took = performance.now() - began;
    assert.ok(took > 390, `took ${took} ms`);

    const abort = new AbortController();
    await using backend = await open(at, freshName());
    const before = blackhole.unanswered;
    const granted = later(backend.acquire(Infinity, abort.signal));
    await until("it asks for a connection", () => blackhole.unanswered > before);
    abort.abort(new Error("enough"));
    const aborting = performance.now();
    await assert.rejects(granted, { message: "enough" });
    assert.ok(performance.now() - aborting < HANG);
  },
});

Deno.test({
  name: "a server that accepts the connection but stays silent ends the attempt after readTimeout",
  sanitizeOps: false, // The attempts of the test before this one may end during it.
  fn: async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const began = performance.now();
    await assertUnavailable(
      `sera:secret@tcp(127.0.0.1:${listener.addr.port})/?timeout=5s&readTimeout=400ms`,
      /accepts the connection, but does not answer within 400ms; check the address and the firewall$/,
    );
    const took = performance.now() - began;
    assert.ok(took > 390, `took ${took} ms`);
  },
});

Deno.test("a server that speaks another protocol, or hangs up, is reported", async () => {
  for (const words of ["SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", ""]) {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const served = (async () => {
      const connection = await listener.accept();
      await connection.write(new TextEncoder().encode(words));
      connection.close();
    })();
    await assertUnavailable(`sera:secret@tcp(127.0.0.1:${listener.addr.port})/?readTimeout=1s`, /./);
    await served;
    listener.close();
  }
});
