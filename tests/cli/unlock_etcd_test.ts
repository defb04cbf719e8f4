/** `sera unlock` for locks in etcd: the request is in the holder's key, which the holder looks at whenever it renews. */

import assert from "node:assert/strict";
import { endByAsking } from "./end_by_asking.ts";
import { lockName } from "../../lib/lock/lock_name.ts";
import { fixture } from "./place.ts";
import { underWatch } from "./process_list.ts";
import type { Running } from "./running.ts";
import { type StartedTarget, testOn, useEtcd } from "./targets.ts";

const ETCD = useEtcd();
const SHORT = { SERA_TTL: "6s", SERA_GRACE: "1s" };
/** Long enough for a paused holder to keep its lease while others look. */
const LONG = { SERA_TTL: "60s", SERA_GRACE: "1s" };

async function withHolder(
  act: (started: StartedTarget, holder: Running) => Promise<void>,
  env = SHORT,
): Promise<void> {
  await using started = await ETCD.start();
  const words = ["--once", "k", "--name", "n", "0", fixture("hold.sh")];
  await using holder = started.place.startSera(words, { stdin: "open", env });
  await holder.says("ready");
  await act(started, holder);
}

testOn(ETCD, "a holder that is asked ends, and says who asked", async () => {
  await withHolder(async ({ place }, holder) => {
    await endByAsking(place, holder);
    assert.equal((await place.sera(["--once", "k", "--name", "n", "0", "true"])).code, 0);
  });
});

testOn(ETCD, "a paused holder loses its key by force, and nothing before that", async () => {
  await withHolder(async ({ place, sessions }, holder) => {
    await underWatch(holder);
    await holder.suspend();
    const asked = await place.sera(["unlock", "--yes", "--wait", "500ms", "--json", "--name", "n"]);
    assert.deepEqual([asked.code, JSON.parse(asked.stdout).outcome], [1, "held"], asked.stderr);
    // The request is taken back.
    assert.doesNotMatch(await sessions(), /unlock by/);
    const forced = await place.sera(["unlock", "--yes", "--wait", "0", "--force", "--json", "--name", "n"]);
    const { outcome, may_run_until: until } = JSON.parse(forced.stdout);
    assert.deepEqual([forced.code, outcome], [0, "forced"], forced.stdout);
    assert.ok(Date.parse(until) > Date.now() - 1000);
    assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 0);
    holder.kill("SIGCONT");
    assert.equal((await holder.ended).code, 206);
  }, LONG);
});

testOn(ETCD, "two who unlock at once are both told that it is released", async () => {
  await withHolder(async ({ place }, holder) => {
    const both = await Promise.all([1, 2].map(() => place.sera(["unlock", "--yes", "--wait", "2m", "--name", "n"])));
    assert.deepEqual(both.map(({ code }) => code), [0, 0], JSON.stringify(both));
    assert.equal((await holder.ended).code, 206);
  });
});

testOn(ETCD, "a waiter gets the lock next, and receives no request itself", async () => {
  await withHolder(async ({ place, waiters }, holder) => {
    await using next = place.startSera(["--name", "n", "100", fixture("hold.sh")], { stdin: "open", env: SHORT });
    while (await waiters("n") === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal((await place.sera(["unlock", "--yes", "--wait", "2m", "--lock", lockName("n").slice(0, 5)])).code, 0);
    assert.equal((await holder.ended).code, 206);
    await next.says("ready");
    await next.closeStdin();
    assert.equal((await next.ended).code, 0);
  });
});

testOn(ETCD, "a signal ends the wait, and the request is taken back", async () => {
  await withHolder(async ({ place, sessions }, holder) => {
    await underWatch(holder);
    await holder.suspend();
    await using unlocker = place.startSera(["unlock", "--yes", "--wait", "forever", "--name", "n"]);
    await unlocker.says("Asked it to end; waiting for that");
    assert.match(await sessions(), /unlock by/);
    unlocker.kill("SIGINT");
    assert.equal((await unlocker.ended).code, 130);
    assert.doesNotMatch(await sessions(), /unlock by/);
  }, LONG);
});
