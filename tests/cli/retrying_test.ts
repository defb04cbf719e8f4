import assert from "node:assert/strict";
import { concat } from "../backends/fake_server.ts";
import { FakePostgres, trouble } from "../backends/postgres/fake_server.ts";
import { answerOf, FAKE_POSTGRES } from "../backends/fake_sessions.ts";
import { RESTARTS, useHeldSessions } from "./held_session.ts";
import { fixture, Place } from "./place.ts";
import { Together } from "../side_by_side.ts";
import { until } from "./wait.ts";

const UNREACHABLE = "u:p@tcp(127.0.0.1:1)/";

const together = new Together();

for (const target of useHeldSessions()) {
  target.testTogether(
    together,
    "a server that comes up within the wait is no error; why it takes so long is said once",
    async () => {
      await using place = await Place.make(target.sessions.server);
      await target.sessions.kill();
      await using run = place.startSera(["--verbose", "180", "echo", "ran"]);
      await using first = place.startSera(["--wait-and-skip", "--name", "skip", "180", "echo", "ran"]);
      for (const one of [run, first]) await one.says("connection refused");
      // Several tries must fail, for the line to be able to come twice: as many as this one has until it gives up.
      assert.equal((await place.sera(["1", "true"])).code, 202);
      assert.deepEqual([run.over, first.over], [false, false]);
      await target.sessions.restart();
      const { code: firstCode, stdout: firstOut } = await first.ended;
      assert.deepEqual({ firstCode, firstOut }, { firstCode: 0, firstOut: "ran\n" });
      const { code, stdout, stderr } = await run.ended;
      assert.equal(code, 0, stderr);
      assert.match(
        stderr,
        /^sera: Cannot lock on [^\n]+connection refused[^\n]*; retrying until the wait is over\.$/m,
      );
      assert.equal(`${stdout}${stderr}`.match(/connection refused/g)!.length, 1, stdout + stderr);
      assert.match(stdout, /^Lock acquired after [^\n]+\nran\n/m);
    },
    RESTARTS,
  );

  target.testTogether(
    together,
    "a server that is down is 202 at once with a wait of 0, and when another wait is over",
    async () => {
      await using place = await Place.make(target.sessions.server);
      await target.sessions.kill();
      try {
        for (const [wait, least] of [["0", 0], ["2", 2000]] as const) {
          const began = performance.now();
          const { code, stdout, stderr } = await place.sera([wait, "echo", "ran"]);
          const took = performance.now() - began;
          assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
          assert.ok(took >= least, `wait ${wait}: ${took} ms`);
          const lines = stderr.trim().split("\n");
          assert.match(lines.at(-1)!, /^sera: Cannot lock on [^\n]+connection refused/);
          assert.equal(lines.length, wait === "0" ? 1 : 2, stderr);
        }
      } finally {
        await target.sessions.restart();
      }
    },
    RESTARTS,
  );

  target.testTogether(together, "a waiter whose connection is cut waits on", async () => {
    await using place = await Place.make(target.sessions.server);
    await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
    await holder.says("ready");
    await using waiter = place.startSera(["--name", "n", "180", "echo", "ran"]);
    await until("its connection is cut", () => target.sessions.cutWaiters("n"));
    await waiter.says("retrying until the wait is over");
    assert.equal(waiter.over, false);
    await holder.closeStdin();
    const { code, stdout } = await waiter.ended;
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "ran\n" });
    await holder.ended;
  });
}

Deno.test("a lock lost before the start is requested again, but only within the wait", async () => {
  for (const [wait, expected] of [["60", 0], ["0", 202]] as const) {
    let deaths = 0;
    const server: FakePostgres = new FakePostgres(
      (sql) => answerOf(FAKE_POSTGRES, sql),
      (frame) => {
        // The server dies right after it has said that the lock is held, and is back for the next try.
        const isLook = server.statements.at(-1)?.includes("pg_locks") && frame[0] === "Z".charCodeAt(0);
        return isLook && ++deaths === 1 ? concat([frame, trouble("E", "terminating connection", "57P01")]) : frame;
      },
    );
    using _ = server;
    await using place = await Place.make(server.url);
    const { code, stdout, stderr } = await place.sera([wait, "echo", "ran"]);
    assert.deepEqual({ code, stdout }, { code: expected, stdout: expected === 0 ? "ran\n" : "" }, stderr);
    assert.match(stderr, /^sera: Lock lost: [^\n]+; the command was not started[^\n]*\n$/);
    assert.equal(/; retrying until the wait is over\.$/m.test(stderr), expected === 0);
  }
});

Deno.test("with a wait of 0 a server is tried once, with a longer wait repeatedly", async () => {
  for (const kind of ["u:p@tcp(127.0.0.1:PORT)/", "postgres://u:p@127.0.0.1:PORT/d?sslmode=disable"]) {
    await using server = new Closing();
    await using place = await Place.make(kind.replace("PORT", `${server.port}`));
    assert.equal((await place.sera(["0", "echo", "ran"])).code, 202);
    assert.equal(server.tries, 1);
    await using run = place.startSera(["forever", "echo", "ran"]);
    await until("several tries", () => server.tries >= 4);
    assert.equal(run.over, false);
    run.kill("SIGTERM");
    const { code, stdout, stderr } = await run.ended;
    assert.deepEqual({ code, stdout }, { code: 143, stdout: "" });
    // Reported once, since it is the same each time.
    assert.match(stderr, /^sera: Cannot lock on [^\n]+: the server closed the connection; see its log; [^\n]+\n$/);
  }
});

Deno.test("with an endless wait an unreachable server is reported, also without verbose", async () => {
  await using place = await Place.make(UNREACHABLE);
  await using run = place.startSera(["forever", "echo", "ran"]);
  await run.says("retrying until the wait is over");
  assert.match(run.stderr, /^sera: Cannot lock on [^\n]+127\.0\.0\.1:1[^\n]+connection refused[^\n]+\n$/);
  run.kill("SIGTERM");
  const { code, stdout } = await run.ended;
  assert.deepEqual({ code, stdout }, { code: 143, stdout: "" });
});

Deno.test("an error that is waited out is an error line in JSON, too", async () => {
  await using place = await Place.make(UNREACHABLE);
  const { code, stdout, stderr } = await place.sera(["--log-format=json", "500ms", "echo", "ran"]);
  assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
  const [waiting, ended] = stderr.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual([waiting.level, waiting.event, waiting.exit_code], ["error", "note", undefined]);
  assert.deepEqual([ended.level, ended.event, ended.exit_code], ["error", "error", 202]);
});

Deno.test("a permanent error is reported at once, whatever the wait", async () => {
  await using place = await Place.make("file:/dev/null/x");
  const { code, stderr } = await place.sera(["forever", "echo", "ran"]);
  assert.equal(code, 202);
  assert.match(stderr, /^sera: [^\n]+\n$/);
});

/** A server that ends every connection at once, and counts them. */
class Closing implements AsyncDisposable {
  tries = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #ended: Promise<void>;

  constructor() {
    this.#ended = this.#serve();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #serve(): Promise<void> {
    for await (const connection of this.#listener) {
      this.tries++;
      connection.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#ended;
  }
}
