import assert from "node:assert/strict";
import { useHeldSessions } from "./held_session.ts";
import { fixture, Place } from "./place.ts";
import { childrenOfSera, lives } from "./process_list.ts";

for (const target of useHeldSessions()) {
  target.test("a sera that was suspended past its ttl kills the command at once when it goes on", async () => {
    await using place = await Place.make(target.sessions.server);
    const flags = ["--name", "n", "--ttl", "3", "--grace", "20"];
    await using run = place.startSera([...flags, "0", fixture("stubborn.sh")]);
    await run.says("ready");
    const { command } = childrenOfSera(run);
    const began = performance.now();
    run.kill("SIGSTOP");
    const waiter = await place.sera([...flags, "20", "echo", "ran"]);
    console.log(`the waiter got the lock ${((performance.now() - began) / 1000).toFixed(1)} s later`);
    assert.deepEqual(waiter, { code: 0, stdout: "ran\n", stderr: "" });
    assert.ok(performance.now() - began > 2000);
    assert.ok(lives(command));
    run.kill("SIGCONT");
    const continued = performance.now();
    const { code, stderr } = await run.ended;
    const took = performance.now() - continued;
    console.log(`the command was gone ${took.toFixed(0)} ms after SIGCONT`);
    assert.equal(code, 206);
    assert.ok(took < 700, `${took} ms`);
    assert.match(stderr, /^sera: Lock lost: [^\n]+\n$/);
    assert.equal(lives(command), false);
  });
}
