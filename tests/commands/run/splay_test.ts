/** The pause before a lock is asked for, on a fake clock. */

import assert from "node:assert/strict";
import { lockName } from "../../../lib/lock/lock_name.ts";
import { LockLostError } from "../../../lib/errors.ts";
import { splayedPause } from "../../../lib/lock/splay.ts";
import type { Settings } from "../../../lib/settings/settings.ts";
import { later } from "../../backends/open.ts";
import { splayFor } from "../../splayed.ts";
import { settingsOf } from "../fake_place.ts";
import { Ran } from "../ran.ts";

// Loaded before the clock stands still.
await import("../../../lib/commands/run/splay.ts");
await import("../../../lib/commands/run/live_line.ts");
await import("../../../lib/who/waiting_text.ts");
await import("../../../lib/commands/run/open_recorder.ts");

const MINUTE = 60_000;
const LOCK = lockName("n");
const SPLAY = splayFor(MINUTE, LOCK);
const PAUSE = splayedPause(SPLAY, Deno.hostname(), LOCK);

function splayed(flags: Readonly<Record<string, string>> = {}): Promise<Settings> {
  return settingsOf({ name: "n", splay: `${SPLAY}ms`, ...flags });
}

/** A run at a terminal, with its output. */
function atTerminal(term = "xterm"): { readonly ran: Ran; readonly written: () => string[]; width: number } {
  const ran = new Ran(false);
  ran.place.env.TERM = term;
  const all: string[] = [];
  const screen = {
    ran,
    width: 80,
    // deno-lint-ignore no-control-regex
    written: () => all.splice(0).map((text) => text.replaceAll(/\x1b\[[JK]|\r/g, "").trim()),
  };
  Object.assign(ran.place.io, {
    errWidth: () => screen.width,
    err: (text: string) => {
      ran.place.io.beforeWriting?.();
      all.push(text);
    },
  });
  return screen;
}

Deno.test("a run pauses for its host's time before it creates a lock; the wait begins after that", async () => {
  const settings = await splayed();
  using ran = new Ran();
  const waits: number[] = [];
  ran.acquire = (wait) => {
    waits.push(wait);
    return Promise.resolve(undefined);
  };
  const code = later(ran.run(5000, settings));
  await ran.place.later(PAUSE - 1);
  assert.deepEqual(ran.made, []);
  assert.match(ran.place.events.join(), /^Pausing for 1m before asking for the lock \(--splay [\dhms.]+\)\.$/);
  await ran.place.later(1);
  assert.equal(ran.made.length, 1);
  assert.equal(await code, 204);
  assert.equal(Math.max(...waits), 5000);
  assert.match(ran.place.events.join(), /Lock not acquired within 5s/);
});

Deno.test("a signal ends the pause with 128 and its number, without creating a lock", async () => {
  const settings = await splayed();
  using ran = new Ran();
  const code = later(ran.run(0, settings));
  await ran.place.later(PAUSE / 2);
  ran.place.system.send("SIGTERM");
  await ran.place.clock.until("it is asked", () => ran.place.system.processes[0]!.heard.includes("ask"));
  ran.place.system.processes[0]!.say("0 0 0\n");
  await ran.place.clock.until("it is said", () => ran.place.events.some((event) => event.startsWith("Interrupted")));
  assert.equal(await code, 143);
  assert.deepEqual(ran.made, []);
  assert.equal(ran.place.events.at(-1), "Interrupted by signal 15 - the command was not executed.");
  assert.equal(ran.place.clock.pending, 0);
  assert.equal(ran.place.system.processes[0]!.presence, "nobody");
});

Deno.test("a signal that sera was started with ignored does not end it", async () => {
  const settings = await splayed();
  using ran = new Ran();
  ran.acquire = () => Promise.resolve(undefined);
  const code = later(ran.run(0, settings));
  await ran.place.later(PAUSE / 2);
  ran.place.system.send("SIGHUP");
  await ran.place.clock.until("it is asked", () => ran.place.system.processes[0]!.heard.includes("ask"));
  ran.place.system.processes[0]!.say("1 0 0\n");
  await ran.place.later(PAUSE / 2);
  assert.equal(await code, 204);
});

Deno.test("the time while sera was stopped counts, but not the time while the machine slept", async () => {
  const settings = await splayed();
  for (const [stopped, slept] of [[PAUSE, 0], [0, PAUSE]] as const) {
    using ran = new Ran();
    ran.acquire = () => Promise.resolve(undefined);
    const code = later(ran.run(0, settings));
    await ran.place.later();
    // No timer fires in this time.
    ran.place.clock.now += stopped;
    ran.place.clock.slept += slept;
    await ran.place.later();
    assert.equal(ran.made.length, stopped > 0 ? 1 : 0);
    await ran.place.later(PAUSE - stopped);
    assert.equal(await code, 204);
  }
});

Deno.test("a lock that is lost at once is requested again without another pause", async () => {
  const settings = await splayed();
  using ran = new Ran();
  let tries = 0;
  const confirm = () => Promise.reject(new LockLostError("Lock lost: the server keeps none"));
  ran.acquire = () => Promise.resolve(ran.place.held(++tries === 2 ? {} : { confirm }));
  const code = later(ran.run(10_000, settings));
  await ran.place.later(PAUSE + 500);
  assert.equal(tries, 2);
  ran.command!.end(0);
  await ran.place.later();
  assert.equal(await code, 0);
  assert.equal(ran.place.events.filter((event) => event.startsWith("Pausing")).length, 1);
});

Deno.test("with the ledger nothing is opened before the end of the pause either", async () => {
  const settings = await splayed({ once: "k" });
  using ran = new Ran();
  ran.acquire = () => Promise.resolve(undefined);
  const code = later(ran.run(0, settings));
  await ran.place.later(PAUSE - 1);
  assert.deepEqual(ran.made, []);
  await ran.place.later(1);
  // This place keeps none.
  await assert.rejects(code, /Cannot keep a ledger/);
  assert.equal(ran.made.length, 1);
});

for (const flags of [{}, { splay: "0" }] as Record<string, string>[]) {
  Deno.test(`without a splay (${JSON.stringify(flags)}) there is no pause and no message`, async () => {
    const settings = await settingsOf(flags);
    using ran = new Ran();
    ran.acquire = () => Promise.resolve(undefined);
    assert.equal(await ran.run(0, settings), 204);
    assert.equal(ran.place.clock.now, 0);
    assert.doesNotMatch(ran.place.events.join(), /paus/i);
  });
}

Deno.test("at a terminal a line counts down, and is erased when the lock is requested", async () => {
  const settings = await splayed();
  const screen = atTerminal();
  using ran = screen.ran;
  ran.acquire = () => Promise.resolve(undefined);
  const code = later(ran.run(0, settings));
  await ran.place.later(499);
  assert.deepEqual(screen.written(), []);
  await ran.place.later(1);
  assert.match(screen.written().join(), /^sera: asking for the lock in 1 min \(--splay\)$/);
  await ran.place.later(PAUSE - 500 - 10_000);
  assert.equal(screen.written().at(-1), "sera: asking for the lock in 10 s (--splay)");
  for (
    const [width, text] of [[40, "sera: asking for the lock in 9 s"], [25, "sera: asking in 8 s"], [
      12,
      "sera: 7 s",
    ]] as const
  ) {
    screen.width = width;
    await ran.place.later(1000);
    assert.equal(screen.written().at(-1), text);
  }
  await ran.place.later(7000);
  assert.equal(await code, 204);
  const [erased, busy] = screen.written().slice(-2);
  assert.equal(erased, "");
  assert.match(busy!, /^sera: Lock not acquired: /);
  assert.equal(ran.place.io.beforeWriting, undefined);
});

Deno.test("a signal erases the line", async () => {
  const settings = await splayed();
  const screen = atTerminal();
  using ran = screen.ran;
  const code = later(ran.run(0, settings));
  await ran.place.later(1500);
  screen.written();
  ran.place.system.send("SIGINT");
  await ran.place.clock.until("it is asked", () => ran.place.system.processes[0]!.heard.includes("ask"));
  ran.place.system.processes[0]!.say("0 0 0\n");
  await ran.place.later();
  assert.equal(await code, 130);
  assert.deepEqual(screen.written(), [""]);
});

Deno.test("a dumb terminal gets one line", async () => {
  const settings = await splayed();
  const screen = atTerminal("dumb");
  using ran = screen.ran;
  ran.acquire = () => Promise.resolve(undefined);
  const code = later(ran.run(0, settings));
  await ran.place.later(PAUSE - 1);
  assert.deepEqual(screen.written(), ["sera: asking for the lock in 1 min (--splay)"]);
  await ran.place.later(1);
  assert.equal(await code, 204);
});
