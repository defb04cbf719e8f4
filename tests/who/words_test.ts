import assert from "node:assert/strict";
import type { Sighting } from "../../lib/who/sighting.ts";
import { sightingsJson, sightingsTable } from "../../lib/who/report.ts";
import { tidy } from "../../lib/who/tidy.ts";
import { whoHas } from "../../lib/who/words.ts";

const LOCK = "5373fa7de6f7dd54052abf86b3a53da4";
const NOW = Date.UTC(2026, 10, 22, 10, 3, 25, 900);
const SINCE = Date.UTC(2026, 10, 22, 10, 0, 5, 123);

const HELD: Sighting = {
  lock: LOCK,
  state: "held",
  host: "web1",
  pid: 4711,
  label: "rotate-logs",
  since: SINCE,
  sinceIs: "acquired",
};

const HOSTILE = "\x1b]0;owned\x07 \x9b31m\u202eevil\r\nnext";

Deno.test("who has a lock is told in a few words, with what is known", () => {
  const cases: [Partial<Sighting>, string | undefined][] = [
    [{}, "web1:4711 rotate-logs, since 2026-11-22 10:00:05Z (3m20s)"],
    [{ sinceIs: "connected" }, "web1:4711 rotate-logs, connected since 2026-11-22 10:00:05Z (3m20s)"],
    [{ since: undefined }, "web1:4711 rotate-logs"],
    [{ since: NOW + 60_000 }, "web1:4711 rotate-logs, since 2026-11-22 10:04:25Z (0s)"],
    [{ since: 1e300 }, "web1:4711 rotate-logs"],
    [{ label: undefined, since: undefined }, "web1:4711"],
    [
      {
        host: undefined,
        pid: undefined,
        label: "psql",
        address: "10.0.0.5",
        user: "joe",
        session: 42,
        since: undefined,
      },
      "10.0.0.5 psql, user joe, session 42",
    ],
    [{ host: undefined, pid: undefined, label: undefined, session: 42, since: undefined }, "session 42"],
    [{ host: undefined, pid: undefined, label: undefined }, undefined],
    [{ state: "waiting" }, undefined],
  ];
  for (const [change, words] of cases) assert.equal(whoHas([{ ...HELD, ...change }], NOW), words);
  assert.equal(whoHas([]), undefined);
  assert.equal(
    whoHas([{ ...HELD, state: "waiting", host: "web9" }, HELD, HELD], NOW),
    "web1:4711 rotate-logs, since 2026-11-22 10:00:05Z (3m20s), and 1 more",
  );
});

Deno.test("what others wrote controls no terminal, and is not endless", () => {
  const sighting = tidy({ ...HELD, host: HOSTILE, label: HOSTILE + "x".repeat(100_000), user: "\x00", since: NaN });
  assert.match(sighting.host!, /^\]0;owned +31m +evil +next$/);
  assert.equal(sighting.user, undefined);
  assert.equal(sighting.sinceIs, undefined);
  const texts = [
    whoHas([{ ...HELD, host: HOSTILE, label: HOSTILE }], NOW)!,
    sightingsTable([sighting], NOW).replaceAll("\n", ""),
    sightingsJson([LOCK], [sighting]),
  ];
  for (const text of texts) {
    assert.doesNotMatch(text, /[\p{Cc}\p{Cf}]/u);
    assert.ok(text.length < 1000);
  }
});

Deno.test("the table has a line for each, fits a terminal, and shows what is not known as a dash", () => {
  const text = sightingsTable([
    { ...HELD, label: "/usr/local/bin/rotate" },
    { lock: LOCK, state: "waiting", host: "web2", pid: 77, label: "run /etc/x", since: NOW, sinceIs: "waiting" },
    { lock: "12,34", state: "held", address: "10.0.0.5" },
    { ...HELD, sinceIs: "connected" },
  ], NOW);
  assert.deepEqual(text.split("\n"), [
    "LOCK          STATE    HOST      PID   LABEL        SINCE",
    "5373fa7de6f7  held     web1      4711  rotate       2026-11-22 10:00:05Z (3m20s)",
    "5373fa7de6f7  waiting  web2      77    run /etc/x   2026-11-22 10:03:25Z (0s)",
    "12,34         held     10.0.0.5  -     -            -",
    "5373fa7de6f7  held     web1      4711  rotate-logs  ~2026-11-22 10:00:05Z (3m20s)",
    "",
  ]);
  const usual = sightingsTable([{ ...HELD, label: "rotate-log" }], NOW);
  assert.ok(usual.split("\n").every((line) => line.length <= 80), usual);
});

Deno.test("JSON has every field, null where nothing is known, and a free lock too", () => {
  const waiting: Sighting = { lock: LOCK, state: "waiting", address: "10.0.0.5", user: "sera", session: 7 };
  const text = sightingsJson([LOCK, "free"], [{ ...HELD, runId: 12n }, waiting]);
  assert.doesNotMatch(text, /\n/);
  const unknown = { host: null, pid: null, label: null, since: null, since_is: null, run_id: null };
  assert.deepEqual(JSON.parse(text), {
    locks: [
      {
        lock: LOCK,
        held: true,
        holder: {
          host: "web1",
          pid: 4711,
          label: "rotate-logs",
          since: "2026-11-22T10:00:05.123Z",
          since_is: "acquired",
          user: null,
          address: null,
          session: null,
          run_id: 12,
        },
        waiters: [{ ...unknown, user: "sera", address: "10.0.0.5", session: 7 }],
      },
      { lock: "free", held: false, holder: null, waiters: [] },
    ],
  });
});
