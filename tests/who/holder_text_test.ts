import assert from "node:assert/strict";
import type { Sighting } from "../../lib/who/sighting.ts";
import { seenJson } from "../../lib/who/report.ts";
import { inZone } from "../text/zone.ts";
import { otherSessionsTable, sightingsTable } from "../../lib/who/tables.ts";
import { namespacedName } from "../../lib/lock/namespaced_name.ts";
import { isAskedFor, reportedNames, shownLock, withNames } from "../../lib/who/names.ts";
import { inOrder } from "../../lib/who/order.ts";
import { tidy } from "../../lib/who/tidy.ts";
import { holderText } from "../../lib/who/holder_text.ts";

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

Deno.test("a holder is described in a few words, with what is known", () => {
  const cases: [Partial<Sighting>, string | undefined][] = [
    [{}, "web1:4711 rotate-logs, since 2026-11-22 10:00:05Z (3 min ago)"],
    [{ sinceIs: "connected" }, "web1:4711 rotate-logs, connected since 2026-11-22 10:00:05Z (3 min ago)"],
    [{ since: undefined }, "web1:4711 rotate-logs"],
    [{ since: NOW + 60_000 }, "web1:4711 rotate-logs, since 2026-11-22 10:04:25Z (0 s ago)"],
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
  for (const [change, words] of cases) assert.equal(holderText([{ ...HELD, ...change }], NOW), words);
  assert.equal(holderText([]), undefined);
  assert.equal(
    holderText([{ ...HELD, state: "waiting", host: "web9" }, HELD, HELD], NOW),
    "web1:4711 rotate-logs, since 2026-11-22 10:00:05Z (3 min ago), and 1 more",
  );
});

Deno.test("text from others cannot control the terminal, and is cut", () => {
  const sighting = tidy({ ...HELD, host: HOSTILE, label: HOSTILE + "x".repeat(100_000), user: "\x00", since: NaN });
  assert.match(sighting.host!, /^\]0;owned +31m +evil +next$/);
  assert.equal(sighting.user, undefined);
  assert.equal(sighting.sinceIs, undefined);
  const texts = [
    holderText([{ ...HELD, host: HOSTILE, label: HOSTILE }], NOW)!,
    sightingsTable([sighting], { now: NOW }).replaceAll("\n", ""),
    seenJson({ sightings: [sighting], otherSessions: [] }, undefined),
  ];
  for (const text of texts) {
    assert.doesNotMatch(text, /[\p{Cc}\p{Cf}]/u);
    assert.ok(text.length < 1000);
  }
});

Deno.test("the table has a line for each, with a dash for unknown values", () => {
  const text = sightingsTable([
    { ...HELD, label: "/usr/local/bin/rotate" },
    { lock: LOCK, state: "waiting", host: "web2", pid: 77, label: "run /etc/x", since: NOW, sinceIs: "waiting" },
    { ...HELD, lock: "12,34", sinceIs: "connected" },
    { ...HELD, lock: "12,34", namespace: "jobs", name: "nightly", label: undefined, since: undefined },
    { ...HELD, lock: "12,34", namespace: "jobs", label: undefined, since: undefined },
  ], { now: NOW });
  assert.deepEqual(text.split("\n"), [
    "LOCK          STATE    HOST  PID   LABEL                  SINCE",
    "5373fa7de6f7  held     web1  4711  /usr/local/bin/rotate  2026-11-22 10:00:05Z (3 min ago)",
    "5373fa7de6f7  waiting  web2  77    run /etc/x             2026-11-22 10:03:25Z (0 s ago)",
    "12,34         held     web1  4711  rotate-logs            ~2026-11-22 10:00:05Z (3 min ago)",
    "jobs/nightly  held     web1  4711  -                      -",
    "jobs/34       held     web1  4711  -                      -",
    "",
  ]);
});

Deno.test("for an unknown process the table has user and session, for the administrator", () => {
  const stranger = { session: 42, user: "app", address: "10.0.0.5" };
  const text = sightingsTable([HELD, { lock: LOCK, state: "waiting", ...stranger }], { now: NOW });
  assert.deepEqual(text.split("\n"), [
    "LOCK          STATE    HOST      PID   LABEL        USER  SESSION  SINCE",
    "5373fa7de6f7  held     web1      4711  rotate-logs  -     -        2026-11-22 10:00:05Z (3 min ago)",
    "5373fa7de6f7  waiting  10.0.0.5  -     -            app   42       -",
    "",
  ]);
  assert.equal(
    otherSessionsTable([stranger, { session: 7, host: "web1", pid: 1, label: "x" }]),
    "SESSION  USER  HOST      PID  LABEL\n42       app   10.0.0.5  -    -\n7        -     web1      1    x\n",
  );
});

Deno.test("on a terminal the table fits its width: the date is dropped first, then the label is cut", () => {
  using _ = inZone("UTC");
  const lines = (width: number, ...labels: string[]) =>
    sightingsTable(labels.map((label) => ({ ...HELD, label })), { width, now: NOW }).trimEnd().split("\n").slice(1);
  assert.deepEqual(lines(80, "rotate-logs"), [
    "5373fa7de6f7  held   web1  4711  rotate-logs  2026-11-22 10:00:05Z (3 min ago)",
  ]);
  const shown = lines(
    72,
    "rotate all of the logs there are",
    "/usr/local/bin/nightly-report-of-all",
    "a\u0301\u0301".repeat(40),
    "報告".repeat(20),
  );
  assert.deepEqual(shown, [
    "5373fa7de6f7  held   web1  4711  rotate all of t…  10:00:05Z (3 min ago)",
    "5373fa7de6f7  held   web1  4711  …y-report-of-all  10:00:05Z (3 min ago)",
    `5373fa7de6f7  held   web1  4711  ${"a\u0301\u0301".repeat(15)}…  10:00:05Z (3 min ago)`,
    "5373fa7de6f7  held   web1  4711  報告報告報告報…   10:00:05Z (3 min ago)",
  ]);
  // Text that is cut on a terminal is whole elsewhere.
  assert.match(sightingsTable([{ ...HELD, label: "x".repeat(150) }], { now: NOW }), /x{150}/);
  const old = sightingsTable([{ ...HELD, label: "x".repeat(60), since: 0 }], { width: 80, now: NOW });
  assert.match(old, / {2}1970-01-01 \(/);
});

Deno.test("the longest waiter comes first; unknown times are sorted by session number", () => {
  const waiter = (session: number, since?: number): Sighting => ({ lock: LOCK, state: "waiting", session, since });
  const given = [waiter(5), waiter(9, 30), waiter(4), waiter(1, 40), { ...HELD, session: 6 }, waiter(2, 20)];
  assert.deepEqual(inOrder(given).map(({ session }) => session), [6, 2, 9, 1, 4, 5]);
});

Deno.test("--lock accepts the name as shown, the whole name, and more than the server keeps", () => {
  const names = { lock: namespacedName("jobs", "nightly"), namespace: "jobs", name: "nightly" };
  const cases: [Partial<Sighting>, string, boolean][] = [
    [{}, "5373", true],
    [{}, LOCK, true],
    [{}, "373", false],
    [{ lock: LOCK.slice(0, 16) }, LOCK, true],
    [{ lock: LOCK.slice(0, 16) }, `${LOCK.slice(0, 15)}0`, false],
    [names, "jobs/ni", true],
    [names, names.lock.slice(0, 6), true],
    [names, "jobs/x", false],
  ];
  for (const [change, prefix, is] of cases) assert.equal(isAskedFor({ ...HELD, ...change }, prefix), is, prefix);
});

Deno.test("names that a session reports count only if they give the lock's numbers", () => {
  const lock = namespacedName("jobs", "nightly");
  const presence = { lock, host: "web1", pid: 1, label: "x" };
  assert.deepEqual(reportedNames({ ...presence, namespace: "jobs", name: "nightly" }), {
    namespace: "jobs",
    name: "nightly",
  });
  assert.deepEqual(reportedNames({ ...presence, namespace: "jobs" }), { namespace: "jobs" });
  assert.deepEqual(reportedNames({ ...presence, namespace: "jobs", name: "evil" }), {});
  assert.deepEqual(reportedNames({ ...presence, namespace: "evil" }), {});
  assert.deepEqual(reportedNames({ ...presence, lock: LOCK, namespace: "jobs" }), {});
  const sighting = { ...HELD, lock, label: "nightly" };
  assert.equal(shownLock(withNames(sighting, "jobs")), "jobs/nightly");
  assert.equal(shownLock(withNames({ ...sighting, label: "x" }, undefined)), lock);
  assert.equal(
    shownLock(withNames({ ...HELD, lock: namespacedName("heimdall", "heimdall") }, undefined)),
    "heimdall/heimdall",
  );
});

Deno.test("JSON has every field, null if unknown, also for a free lock", () => {
  const waiting: Sighting = { lock: LOCK, state: "waiting", address: "10.0.0.5", user: "sera", session: 7 };
  const text = seenJson({ sightings: [{ ...HELD, runId: 12n }, waiting], otherSessions: [] }, { lock: "free" });
  assert.doesNotMatch(text, /\n/);
  const holder = {
    slot: null,
    host: "web1",
    pid: 4711,
    label: "rotate-logs",
    since: "2026-11-22T10:00:05.123Z",
    since_is: "acquired",
    user: null,
    address: null,
    session: null,
    run_id: 12,
    lease: null,
  };
  const unknown = {
    slot: null,
    host: null,
    pid: null,
    label: null,
    since: null,
    since_is: null,
    run_id: null,
    lease: null,
  };
  assert.deepEqual(JSON.parse(text), {
    complete: true,
    reason: null,
    locks: [
      { lock: "free", namespace: null, name: null, slots: null, held: false, holder: null, holders: [], waiters: [] },
      {
        lock: LOCK,
        namespace: null,
        name: null,
        slots: null,
        held: true,
        holder,
        holders: [holder],
        waiters: [{ ...unknown, user: "sera", address: "10.0.0.5", session: 7 }],
      },
    ],
    other_sessions: [],
  });
  const hidden = { sightings: [], hidden: "why", otherSessions: [{ session: 7, user: "app" }] };
  assert.deepEqual(JSON.parse(seenJson(hidden, { lock: "free" }, false)), {
    complete: false,
    reason: "why",
    locks: [
      { lock: "free", namespace: null, name: null, slots: null, held: null, holder: null, holders: [], waiters: [] },
    ],
    other_sessions: [{ host: null, pid: null, label: null, user: "app", address: null, session: 7 }],
  });
});

Deno.test("on a terminal times are local, at every width", () => {
  using _ = inZone("Europe/Berlin");
  const since = (width: number) => sightingsTable([HELD], { width, now: NOW }).trimEnd().split("\n")[1]!.slice(46);
  assert.equal(since(80), "2026-11-22 11:00:05+01 (3 min ago)");
  assert.equal(since(72), "11:00:05+01 (3 min ago)");
  assert.match(sightingsTable([HELD], { now: NOW }), /2026-11-22 10:00:05Z/);
});
