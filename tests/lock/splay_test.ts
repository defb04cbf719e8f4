import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { splayedPause } from "../../lib/lock/splay.ts";

const HOUR = 3_600_000;
const LOCKS = ["", "backup", "ls -ltra", "日本語"].map(lockName);
const HOSTS = Array.from({ length: 1000 }, (_, number) => `web${number}.example.com`);

Deno.test("the pause is a share of the splay, given by the first digits of an md5", () => {
  // As md5sum(1) has it: printf 'web1\nd41d8cd98f00b204e9800998ecf8427e' | md5sum
  assert.equal(splayedPause(HOUR, "web1", lockName("")), 1_442_878);
  assert.equal(splayedPause(HOUR, "web2", lockName("")), 1_211_010);
});

Deno.test("the pause is a whole number of milliseconds from 0 to less than the splay", () => {
  for (const splay of [0, 0.5, 1, 2, 1000, HOUR, 36_500 * 24 * HOUR]) {
    for (const lock of LOCKS) {
      for (const host of HOSTS) {
        const pause = splayedPause(splay, host, lock);
        assert.ok(Number.isInteger(pause) && pause >= 0 && (pause < splay || splay === 0), `${pause} of ${splay}`);
      }
    }
  }
});

Deno.test("a fleet is spread evenly, for each lock in another order", () => {
  const orders = new Set();
  for (const lock of LOCKS) {
    const tenths = new Array(10).fill(0);
    for (const host of HOSTS) tenths[Math.floor(splayedPause(HOUR, host, lock) / HOUR * 10)]++;
    // Of a hundred, by chance alone: four times the standard deviation of 9.5.
    for (const count of tenths) assert.ok(count > 62 && count < 138, tenths.join());
    orders.add(HOSTS.slice(0, 10).toSorted((a, b) => splayedPause(HOUR, a, lock) - splayedPause(HOUR, b, lock)).join());
  }
  assert.equal(orders.size, LOCKS.length);
});

Deno.test("twice the splay is twice the pause, so that the order of hosts is kept", () => {
  for (const host of HOSTS) {
    const [once, twice] = [HOUR, 2 * HOUR].map((splay) => splayedPause(splay, host, LOCKS[1]!)) as [number, number];
    assert.ok(Math.abs(twice - 2 * once) <= 1);
  }
});

Deno.test("the boundary between the host's and the lock's name matters", () => {
  assert.notEqual(splayedPause(HOUR, "web1", "1a"), splayedPause(HOUR, "web11", "a"));
});
