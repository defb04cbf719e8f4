/** Connections that end, and servers that go away, while a command runs under a lease. */
// Starts early: leases have to be renewed in it, and to run out.

import assert from "node:assert/strict";
import { mariaDbTarget, pgBouncerTarget, postgresTarget, SHORT, type StartedLeases } from "./lease_targets.ts";
import { fixture } from "./place.ts";
import { childrenOfSera, lives } from "./process_list.ts";
import type { Running } from "./running.ts";
import { Proxy } from "../servers/proxy.ts";
import { Together } from "../side_by_side.ts";
import { until } from "./wait.ts";

const together = new Together();

/** A server that starts again has 48 s then, on a machine of any speed. */
const LONG = ["--ttl", "60s", "--grace", "1s"];

const NEW_CONNECTION = /Renewing the lease over a new connection to [^\n]+, since [^\n]+\./g;

/** Prints "ready" and its token, then exits with 7 when told to. */
const COMMAND = ["sh", "-c", 'echo "ready $SERA_TOKEN"; read -r _; exit 7'];

/** Resolves when a lease has been renewed from now on, over whatever connection. */
async function untilRenewed({ row }: StartedLeases): Promise<void> {
  const first = (await row("n"))!;
  await until("it has been renewed", async () => {
    const now = await row("n");
    assert.deepEqual([now?.owner, now?.fence], [first.owner, first.fence]);
    return Number(now!.beat) > Number(first.beat);
  });
}

/** Ends a holder's command, and asserts that there was no message. */
async function assertUnmoved(holder: Running, { place, row }: StartedLeases, connections: number): Promise<void> {
  const busy = await place.sera(["--name", "n", "0", "echo", "ran"]);
  assert.deepEqual(busy, { code: 204, stdout: "", stderr: "" });
  await holder.closeStdin();
  const { code, stdout, stderr } = await holder.ended;
  assert.equal(code, 7, stderr);
  assert.equal(stderr, "");
  assert.match(stdout, /^ready 1$/m);
  assert.equal([...stdout.matchAll(NEW_CONNECTION)].length, connections, stdout);
  assert.deepEqual([(await row("n"))?.owner, (await row("n"))?.fence], [null, "1"]);
}

const [mariaDb, postgres, pgBouncer] = [mariaDbTarget(), postgresTarget(), pgBouncerTarget()];

for (const target of [mariaDb, postgres, pgBouncer]) {
  target.test(together, "a holder whose connection is killed, or cut, goes on over another one", async () => {
    const [setting] = target.view.settings;
    const port = Number(/:(\d+)[)/]/.exec(setting!)![1]);
    await using proxy = await Proxy.open(port);
    await using started = await target.start([proxy.instead(setting!)]);
    const holder = started.place.startSera(["--verbose", "--name", "n", ...SHORT, "180", ...COMMAND], {
      stdin: "open",
    });
    await using _ = holder;
    await holder.says("ready 1");
    proxy.cut();
    await untilRenewed(started);
    proxy.reset();
    await untilRenewed(started);
    let expected = 2;
    if (target !== pgBouncer) {
      await started.cutAll();
      await untilRenewed(started);
      expected++;
    }
    await assertUnmoved(holder, started, expected);
  });

  target.test(together, "a holder goes on when nobody can connect for some time", async () => {
    const [setting] = target.view.settings;
    const port = Number(/:(\d+)[)/]/.exec(setting!)![1]);
    await using proxy = await Proxy.open(port);
    await using started = await target.start([proxy.instead(setting!)]);
    await using holder = started.place.startSera(["--verbose", "--name", "n", ...LONG, "0", ...COMMAND], {
      stdin: "open",
    });
    await holder.says("ready 1");
    const { accepted } = proxy;
    proxy.stall();
    // An unanswered renewal or login is abandoned for the next.
    await until("it has tried to connect again", () => proxy.accepted >= accepted + 1);
    proxy.refuse();
    proxy.cut();
    proxy.resume();
    await proxy.accept();
    await untilRenewed(started);
    await assertUnmoved(holder, started, 1);
  });

  target.test(together, "a lease that somebody gives to another is lost, and who has it is told", async () => {
    await using started = await target.start();
    const { place } = started;
    await using holder = place.startSera(["--name", "n", ...SHORT, "180", fixture("stubborn.sh")]);
    await holder.says("ready");
    const { command } = childrenOfSera(holder);
    await started.write(
      "n",
      `owner = '${"e".repeat(32)}', fence = fence + 1, beat = beat + 1, host = 'web7', pid = 12`,
    );
    const { code, stderr } = await holder.ended;
    assert.equal(code, 206);
    assert.match(stderr, /^sera: Lock lost: [^\n]+: its lease is held by web7:12 [^\n]+\n/);
    assert.equal(lives(command), false);
    const row = await started.row("n");
    assert.deepEqual([row?.owner, row?.fence], ["e".repeat(32), "2"]);
  });
}

/** What restarts a server outlives the test. */
const RESTARTS = { sanitizeOps: false, sanitizeResources: false };

/** Writes the time into the file $1, in milliseconds since 1970, as long as it lives. */
const CLOCK = 'trap "" TERM; exec 4>>"$1"; echo ready; while :; do date +%s%3N >&4; sleep 0.05; done';

for (const target of [mariaDb, postgres]) {
  target.test(together, "a holder goes on when the server crashes and comes back while its lease lasts", async () => {
    await using started = await target.start();
    await using holder = started.place.startSera(["--verbose", "--name", "n", ...LONG, "0", ...COMMAND], {
      stdin: "open",
    });
    await holder.says("ready 1");
    await target.view.server.kill();
    await target.view.server.restart();
    await untilRenewed(started);
    await assertUnmoved(holder, started, 1);
  }, RESTARTS);

  target.test(together, "when the server stays away the command has ended before others may start", async () => {
    await using started = await target.start();
    const { place } = started;
    const times = place.file("times");
    await using holder = place.startSera(["--name", "n", ...SHORT, "180", "sh", "-c", CLOCK, "sh", times]);
    await holder.says("ready");
    await target.view.server.kill();
    const { code, stderr } = await holder.ended;
    assert.equal(code, 206);
    assert.match(stderr, /^sera: Lock lost: [^\n]+, for [\d.]+s; [^\n]+\n/);
    await target.view.server.restart();
    const last = Number((await place.read("times")).trim().split("\n").at(-1));
    const expires = await started.expires("n");
    // It is killed a second before, or a tenth of the ttl.
    assert.ok(last <= expires, `${last - expires} ms too late`);
    const next = await place.sera(["--name", "n", "180", "sh", "-c", "date +%s%3N; echo $SERA_TOKEN"]);
    const [began, token] = next.stdout.split("\n").map(Number);
    assert.deepEqual([next.code, token], [0, 2], next.stderr);
    assert.ok(began! >= expires + 1000, `${began! - expires}`);
  }, RESTARTS);
}
