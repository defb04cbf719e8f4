import assert from "node:assert/strict";
import { awaitedHolder, waitingText } from "../../lib/who/waiting_text.ts";
import { widthOf } from "../../lib/text/width.ts";
import type { Sighting } from "../../lib/who/sighting.ts";

const NOW = Date.UTC(2026, 10, 22, 10, 3, 25);
const OWN = { host: "web9", pid: 1 };
const ASKED = { locks: [{ name: "x", title: "backup" }] };

const HELD: Sighting = {
  lock: "5373fa7de6f7",
  state: "held",
  host: "web1",
  pid: 4711,
  label: "rotate-logs",
  since: NOW - 200_000,
  sinceIs: "acquired",
};

/** The text for a holder that was looked at a second ago. */
function text(change: Partial<Sighting>, left: number, width?: number): string {
  return waitingText(awaitedHolder([{ ...HELD, ...change }], OWN, ASKED, NOW), 1000, left, width);
}

Deno.test("the line has the holder, for how long it has held the lock, and how long sera goes on waiting", () => {
  assert.equal(text({}, 100_000), "sera: waiting for web1:4711 rotate-logs, held for 3 min 21 s; 1 min 40 s left");
  assert.equal(text({}, 99_001), "sera: waiting for web1:4711 rotate-logs, held for 3 min 21 s; 1 min 40 s left");
  assert.equal(text({}, 0), "sera: waiting for web1:4711 rotate-logs, held for 3 min 21 s; 0 s left");
  assert.equal(text({}, Infinity), "sera: waiting for web1:4711 rotate-logs, held for 3 min 21 s");
  assert.equal(
    text({ sinceIs: "connected" }, Infinity),
    "sera: waiting for web1:4711 rotate-logs, connected for 3 min 21 s",
  );
  assert.equal(text({ since: undefined }, 5000), "sera: waiting for web1:4711 rotate-logs; 5 s left");
  // A clock that is ahead.
  assert.equal(text({ since: NOW + 5000 }, 5000), "sera: waiting for web1:4711 rotate-logs, held for 0 s; 5 s left");
  assert.equal(
    text({ host: undefined, pid: undefined, label: undefined, user: "app", session: 42 }, 5000),
    "sera: waiting for user app, session 42, held for 3 min 21 s; 5 s left",
  );
  const lease = { token: 3n, left: 5000, silent: 25_000, freeIn: 10_000 };
  assert.equal(
    text({ lease }, 5000),
    "sera: waiting for web1:4711 rotate-logs, held for 3 min 21 s, silent for 26 s; 5 s left",
  );
  assert.equal(text({ lease }, 5000, 70), "sera: waiting for web1:4711 rotate-logs, silent for 26 s; 5 s left");
});

Deno.test("an unknown holder is not named, nor is the waiter itself", () => {
  assert.equal(waitingText(undefined, 0, 60_000), "sera: waiting for the lock; 1 min left");
  assert.equal(waitingText(undefined, 0, Infinity), "sera: waiting for the lock");
  for (
    const seen of [[], [{ ...HELD, ...OWN }], [{ ...HELD, state: "waiting" as const }], [{
      lock: "x",
      state: "held" as const,
    }]]
  ) {
    assert.equal(awaitedHolder(seen, OWN, ASKED, NOW), undefined);
  }
});

Deno.test("a holder's label cannot control the terminal", () => {
  assert.equal(
    text({ label: "a\x1b[2J\r\nb\u202e", host: "h\x07" }, Infinity),
    "sera: waiting for h:4711 a [2J b, held for 3 min 21 s",
  );
});

Deno.test("the narrower the terminal, the shorter the line, and it always fits", () => {
  const shown = [77, 76, 75, 60, 50, 41, 36, 30, 25, 19, 15, 10].map((width) => text({}, 100_000, width));
  assert.deepEqual(shown, [
    "sera: waiting for web1:4711 rotate-logs, held for 3 min 21 s; 1 min 40 s left",
    "sera: waiting for web1:4711 rotate-lo…, held for 3 min 21 s; 1 min 40 s left",
    "sera: waiting for web1:4711 rotate-logs; 1 min 40 s left",
    "sera: waiting for web1:4711 rotate-logs; 1 min 40 s left",
    "sera: waiting for web1:4711 rota…; 1 min 40 s left",
    "sera: waiting; 1 min 40 s left",
    "sera: waiting; 1 min 40 s left",
    "sera: waiting; 1 min 40 s left",
    "sera: 1 min 40 s left",
    "1 min 40 s left",
    "1 min 40 s left",
    "1 min 40 …",
  ]);
  for (let width = 1; width < 100; width++) {
    for (const label of ["rotate-logs", "報告".repeat(20), "a\u0301".repeat(90), "/usr/local/bin/nightly-report"]) {
      for (const left of [100_000, Infinity]) {
        const shown = text({ label }, left, width);
        assert.ok(widthOf(shown) <= width, `${width}: ${shown}`);
      }
    }
  }
});
