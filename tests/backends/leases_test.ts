/** How long a lock is ours: what the server is told of it, and what we go by ourselves. */

import assert from "node:assert/strict";
import { parseMySql, parsePostgres } from "./parse.ts";
import { LockLostError, LockUnavailableError } from "../../lib/errors.ts";
import { endsAfter, graceOf, heartbeatOf, type LeaseTerms, Moment, stopsAfter } from "../../lib/lock/lease.ts";
import type { Lock } from "../../lib/lock/lock.ts";
import { openMySqlSession } from "../../lib/backends/mysql/session.ts";
import { openPostgresSession } from "../../lib/backends/postgres/session.ts";
import { identifier, join, sql } from "../../lib/backends/sql/statement.ts";
import { Running } from "../cli/running.ts";
import { until } from "../cli/wait.ts";
import { Proxy } from "../servers/proxy.ts";
import { faultPlaces, lossOf, patient, report } from "./fault_place.ts";
import { freshName, hold, never, open, plainSession, renewals } from "./open.ts";
import { sharedMariaDb, sharedMySql56, sharedPostgres } from "./shared_server.ts";

/** The shortest lease that can be set. */
const LEASE: LeaseTerms = { ttl: 3000, grace: 500 };

/** A program that says whether its lock is sure. */
const SUSPENDED = `${import.meta.dirname}/suspended_holder.ts`;

for (const { label, test, setting, isFree, releaseMessage } of faultPlaces()) {
  test("heartbeats come at a third of the TTL and keep the lock beyond it", async ({ port }) => {
    await using proxy = await Proxy.open(port);
    const name = freshName();
    await using backend = await open(setting(proxy.port), name, undefined, { lease: LEASE });
    await using other = await open(setting(port), name);
    const lock = await hold(backend);
    const before = proxy.requests.length - 1;
    // A fourth look comes after the TTL.
    await renewals(lock, 4);
    assert.equal(lock.lost.aborted, false);
    assert.equal(await other.acquire(0, never), undefined);
    const gaps = proxy.requests.slice(before + 1).map((at, index) => at - proxy.requests[before + index]!);
    // From sending to sending, which may fall a little short after one that was late.
    const most = (proxy.requests.at(-1)! - proxy.requests[before]!) / heartbeatOf(LEASE) + 1;
    assert.ok(gaps.length >= 4 && gaps.length <= most, `${gaps.length} heartbeats, after ${gaps} ms`);
    assert.equal(proxy.accepted, 1);
    await lock.release();
  });

  test("a holder that vanishes gives up before the server frees its lock", async ({ port }) => {
    await using proxy = await Proxy.open(port);
    const name = freshName();
    await using backend = await open(patient(setting(proxy.port)), name, undefined, { lease: LEASE });
    const lock = await hold(backend);
    // The newest sign of the lock is a heartbeat's, not that of its beginning.
    await renewals(lock, 1);
    const confirmed = proxy.requests.at(-1)!;
    proxy.stall();
    const { at, reason } = await lossOf(lock);
    await until("the server has freed it", () => isFree(name));
    const freed = performance.now();
    report(`${label}: vanished, from the last sign of life`, {
      lost: at - confirmed,
      within: reason.within,
      freed: freed - confirmed,
    });
    const stop = stopsAfter(LEASE);
    assert.ok(at - confirmed > stop - 50, `lost after ${at - confirmed} ms`);
    // The later it learns of it, the less time is left.
    assert.ok(reason.within <= Math.max(0, endsAfter(LEASE) - (at - confirmed)) + 50, `${reason.within} ms left`);
    assert.ok(reason.within <= graceOf(LEASE));
    assert.ok(freed > at + reason.within, `freed ${at + reason.within - freed} ms too soon`);
    assert.match(reason.message, /^Lock lost: [^\n]+: no answer for [\d.]+m?s$/);
    await assert.rejects(lock.confirm(), LockLostError);
  });

  test("a lock that has gone from its session is lost at the next heartbeat", async ({ port }) => {
    await using proxy = await Proxy.open(port);
    const name = freshName();
    await using backend = await open(setting(proxy.port), name, undefined, { lease: LEASE });
    const lock = await hold(backend);
    const confirmed = performance.now();
    await proxy.smuggle(releaseMessage(name));
    assert.equal(await isFree(name), true);
    assert.equal(lock.lost.aborted, false);
    const { at, reason } = await lossOf(lock);
    assert.ok(at - confirmed > 800, `after ${at - confirmed} ms`);
    assert.match(reason.message, /^Lock lost: [^\n]+ has freed it$/);
    assert.equal(proxy.accepted, 1);
  });

  test("a heartbeat that is not answered is waited for as long as the lease allows", async ({ port }) => {
    await using proxy = await Proxy.open(port);
    const name = freshName();
    await using backend = await open(patient(setting(proxy.port)), name, undefined, { lease: LEASE });
    const lock = await hold(backend);
    const confirmed = proxy.requests.at(-1)!;
    proxy.stall("toClient");
    const { at, reason } = await lossOf(lock);
    assert.ok(at - confirmed > stopsAfter(LEASE) - 50);
    assert.match(reason.message, /: no answer for [\d.]+s$/);
    // The server has heard it.
    assert.ok(proxy.requests.at(-1)! > confirmed + 900);
  });

  test("answers that are slow, but not too slow, do no harm", async ({ port }) => {
    await using proxy = await Proxy.open(port);
    const name = freshName();
    await using backend = await open(setting(proxy.port), name, undefined, { lease: LEASE });
    const lock = await hold(backend);
    // There and back, twice, beside a third of the TTL.
    proxy.delay = 200;
    await renewals(lock, 3);
    assert.equal(lock.lost.aborted, false);
    assert.equal(await isFree(name), false);
    await lock.confirm();
    await lock.release();
    await until("it is free", () => isFree(name));
  });

  test("a server that is slow at each answer keeps its lease; one that is too slow is refused", async ({ port }) => {
    const lease = { ttl: 6000, grace: 10_000 };
    const slow = async (delay: number, use: (backend: Lock) => Promise<void>) => {
      await using proxy = await Proxy.open(port);
      const name = freshName();
      await using backend = await open(patient(setting(proxy.port)), name, undefined, { lease });
      await backend.session(never);
      proxy.delay = delay;
      await use(backend);
      await until("it is free", () => isFree(name));
    };
    await Promise.all([
      // There and back, which would be too much on top of a third of the TTL that begins with the answer.
      slow(500, async (backend) => {
        const lock = await hold(backend);
        await renewals(lock, 2);
        assert.equal(lock.lost.aborted, false, `${lock.lost.reason}`);
        await lock.release();
      }),
      slow(800, async (backend) => {
        await assert.rejects(backend.acquire(60_000, never), (error) => {
          assert.ok(error instanceof LockUnavailableError);
          assert.equal(error.exitCode, 202);
          assert.match(
            error.message,
            /: an answer takes (1\.[6-9]|2)\d*s, too long for a ttl of 6s with a grace period of 2s; /,
          );
          assert.match(error.message, /; use --ttl ([7-9]|1\d)s or more/);
          return true;
        });
      }),
    ]);
  });

  test("a holder that was suspended for longer than the TTL says that it is lost before all else", async ({ port }) => {
    const name = freshName();
    await using holder = new Running(
      [Deno.execPath(), "run", "--quiet", "-A", SUSPENDED, setting(port), name, `${LEASE.ttl}`],
      { env: Deno.env.toObject() },
    );
    await holder.says("held");
    await holder.says("sure");
    holder.kill("SIGSTOP");
    await until("the server has freed it", () => isFree(name));
    await using other = await open(setting(port), name);
    const lock = await hold(other);
    const said = holder.stdout.length;
    holder.kill("SIGCONT");
    const woke = performance.now();
    await holder.says("lost: ");
    report(`${label}: suspended, from its wake`, { lost: performance.now() - woke });
    await holder.says("refused");
    const lines = holder.stdout.slice(said).trim().split("\n");
    assert.match(lines[0]!, /^lost: /, lines.join("\n"));
    assert.equal(lines.includes("sure"), false, lines.join("\n"));
    await lock.release();
  });
}

for (const shared of [sharedMariaDb(), sharedMySql56()]) {
  for (const [ttl, seconds] of [[3000, 3], [4500, 5], [86_400_000, 86_400]] as const) {
    shared.test(`with a TTL of ${ttl} ms the server ends the session after ${seconds} idle seconds`, async (server) => {
      for (const params of ["", "wait_timeout=77"]) {
        const dsn = await parseMySql(server.dsn(params));
        const session = await openMySqlSession(dsn, { ...plainSession, lease: { ttl, grace: 0 } }, never);
        const row = await session.query(sql`SELECT @@session.wait_timeout AS seconds`);
        await session.close();
        assert.equal(row.seconds, seconds);
      }
    });
  }
}

sharedMariaDb("--wait-timeout=2", "--maximum-wait-timeout=2").test(
  "a server that allows less than the TTL is looked at more often",
  async (server) => {
    const name = freshName();
    await using backend = await open(server.dsn(), name, undefined, { lease: { ttl: 30_000, grace: 0 } });
    const lock = await hold(backend);
    // Four looks, at a third of the time that it allows.
    await renewals(lock, 4);
    assert.equal(lock.lost.aborted, false);
    await using other = await open(server.dsn(), name);
    assert.equal(await other.acquire(0, never), undefined);
    await lock.release();
  },
);

/** The lease's settings of a session, as the server shows them. */
const SETTINGS = [
  "idle_session_timeout",
  "tcp_keepalives_idle",
  "tcp_keepalives_interval",
  "tcp_keepalives_count",
  "tcp_user_timeout",
  "client_connection_check_interval",
];

sharedPostgres().test("the server is told the lease, over TCP in all ways there are", async (server) => {
  const cases: [ttl: number, url: string, values: string[]][] = [
    [3000, server.url(), ["3s", "1", "1", "2", "3000", "1s"]],
    [3000, server.url("options=-c%20idle_session_timeout%3D1h"), ["3s", "1", "1", "2", "3000", "1s"]],
    [30_000, server.url(), ["30s", "10", "10", "2", "30000", "10s"]],
    // Probes that nobody answers do not end it before the TTL.
    [5000, server.url(), ["5s", "2", "2", "2", "5000", "1667ms"]],
    // A socket's peer cannot vanish alone.
    [3000, `postgres://sera:secret@/sera?host=${server.socketFolder}&port=${server.port}`, [
      "3s",
      "0",
      "0",
      "0",
      "0",
      "1s",
    ]],
  ];
  for (const [ttl, url, values] of cases) {
    const options = { ...plainSession, lease: { ttl, grace: 0 } };
    const session = await openPostgresSession(await parsePostgres(url), options, never);
    const list = SETTINGS.map((name) => sql`current_setting(${name}) AS ${identifier(name)}`);
    const row = await session.query(sql`SELECT ${join(list)}`);
    await session.close();
    assert.deepEqual(SETTINGS.map((name) => row[name]), values, url);
    assert.equal(session.idleTimeout, ttl);
  }
});

const DAY = 86_400_000;

/** Terms, and what follows from them, in milliseconds. */
const TERMS: [LeaseTerms, { heartbeat: number; grace: number; stops: number; ends: number }][] = [
  [{ ttl: 3000, grace: 0 }, { heartbeat: 1000, grace: 0, stops: 2700, ends: 2700 }],
  [{ ttl: 3000, grace: 500 }, { heartbeat: 1000, grace: 500, stops: 2200, ends: 2700 }],
  [{ ttl: 3000, grace: 10_000 }, { heartbeat: 1000, grace: 1000, stops: 1700, ends: 2700 }],
  [{ ttl: 30_000, grace: 0 }, { heartbeat: 10_000, grace: 0, stops: 29_000, ends: 29_000 }],
  [{ ttl: 30_000, grace: 10_000 }, { heartbeat: 10_000, grace: 10_000, stops: 19_000, ends: 29_000 }],
  [{ ttl: 30_000, grace: 10 * DAY }, { heartbeat: 10_000, grace: 10_000, stops: 19_000, ends: 29_000 }],
  [{ ttl: DAY, grace: 10_000 }, { heartbeat: DAY / 3, grace: 10_000, stops: DAY - 11_000, ends: DAY - 1000 }],
  [{ ttl: DAY, grace: 10 * DAY }, { heartbeat: DAY / 3, grace: DAY / 3, stops: DAY * 2 / 3 - 1000, ends: DAY - 1000 }],
];

for (const [terms, expected] of TERMS) {
  Deno.test(`a TTL of ${terms.ttl} ms with a grace of ${terms.grace} ms`, () => {
    assert.deepEqual({
      heartbeat: heartbeatOf(terms),
      grace: graceOf(terms),
      stops: stopsAfter(terms),
      ends: endsAfter(terms),
    }, expected);
  });
}

Deno.test("a heartbeat that comes in time is never too late for the lease", () => {
  for (const ttl of [3000, 3001, 9999, 30_000, DAY]) {
    for (const grace of [0, 1, 10_000, Infinity]) {
      const terms = { ttl, grace };
      assert.ok(heartbeatOf(terms) < stopsAfter(terms), `${ttl} ${grace}`);
      assert.ok(stopsAfter(terms) <= endsAfter(terms) && endsAfter(terms) < ttl, `${ttl} ${grace}`);
    }
  }
});

Deno.test("a moment's age goes on", async () => {
  const earlier = performance.now();
  const moment = new Moment();
  const later = performance.now();
  let before = moment.age;
  await until("ages", () => {
    const { age } = moment;
    assert.ok(age >= before);
    before = age;
    return age > 120;
  });
  const least = performance.now() - later;
  const { age } = moment;
  assert.ok(age >= least && age <= performance.now() - earlier, `${age} ms`);
});

// No test can put the machine to sleep.
Deno.test("a moment's age counts what the machine has slept, up to a second, and nothing twice", () => {
  const { now } = performance;
  const { osUptime } = Deno;
  let [steady, uptime] = [1000, 500];
  performance.now = () => steady;
  Object.defineProperty(Deno, "osUptime", { configurable: true, writable: true, value: () => uptime });
  try {
    const moment = new Moment();
    // Whole seconds that are cut off may jump right away.
    uptime += 1;
    assert.equal(moment.age, 0);
    steady += 700;
    assert.equal(moment.age, 700);
    // Asleep.
    uptime += 100;
    assert.ok(moment.age >= 100_000 && moment.age <= 101_000);
    steady += 200_000;
    assert.equal(moment.age, 200_700);
  } finally {
    performance.now = now;
    Object.defineProperty(Deno, "osUptime", { configurable: true, writable: true, value: osUptime });
  }
});
