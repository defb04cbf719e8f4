/**
 * Servers that are broken, or mean harm: in each round one frame of a good session is spoiled in some way. Further rounds:
 * SERA_FUZZ_ROUNDS=5000 SERA_FUZZ_SEED=7 scripts/test tests/backends/fuzz_test.ts
 */

import assert from "node:assert/strict";
import { LockLostError, LockUnavailableError } from "../../lib/errors.ts";
import { printable } from "../../lib/text/printable.ts";
import type { HeldLock } from "../../lib/lock/lock.ts";
import { FAKE_MYSQL, FAKE_POSTGRES, type FakeKind } from "./fake_sessions.ts";
import { never, renewals } from "./open.ts";
import { Chance, spoiling } from "./tampering.ts";

const ROUNDS = Number(Deno.env.get("SERA_FUZZ_ROUNDS") ?? 400);
const SEED = Number(Deno.env.get("SERA_FUZZ_SEED") ?? 1);

/** How many rounds go on at the same time: most of them wait most of the time. */
const AT_ONCE = 8;

/** How long a server is waited for, in milliseconds, and how long a round may take at the most on a slow machine. */
const LIMIT = 400;
const ROUND_TIMEOUT = 180_000;

/** Long enough for a look at the lock, in milliseconds. */
const LEASE = { ttl: 450, grace: 10 };

for (const kind of [FAKE_MYSQL, FAKE_POSTGRES]) {
  Deno.test({
    name:
      `${kind.name}: whatever is corrupted, the attempt ends with one line, and never with a lock that was not granted`,
    fn: () => fuzz(kind),
  });
}

async function fuzz(kind: FakeKind): Promise<void> {
  let next = 0;
  const outcomes = new Map<string, number>();
  const lane = async () => {
    while (next < ROUNDS) {
      const outcome = await round(kind, SEED * 1_000_000 + next++);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  // The rounds have come to all kinds of ends, or they prove nothing.
  assert.deepEqual([...outcomes.keys()].toSorted(), ["busy", "lost", "released", "unavailable"]);
}

async function round(kind: FakeKind, seed: number): Promise<string> {
  const chance = new Chance(seed);
  const free = chance.below(4) > 0;
  const { tamper, what } = spoiling(chance, free ? kind.frames : kind.frames >> 1);
  const about = `seed ${seed}, ${free ? "free" : "taken"}, ${what}`;
  using server = kind.start(free, tamper);
  let timer;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end: ${about}`)), ROUND_TIMEOUT);
  });
  try {
    return await Promise.race([play(kind, server, free), late]);
  } catch (error) {
    throw new Error(about, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** Takes the lock, keeps it for a look at it, and gives it back. */
async function play(kind: FakeKind, server: ReturnType<FakeKind["start"]>, free: boolean): Promise<string> {
  await using backend = await kind.open(server, LEASE, LIMIT);
  let lock: HeldLock | undefined;
  try {
    lock = await backend.acquire(0, never);
  } catch (error) {
    assert.ok(error instanceof LockUnavailableError, `${error}`);
    assertOneLine(error, /^Cannot lock on /);
    return "unavailable";
  }
  if (!lock) return "busy";
  assert.ok(free, "there was no lock to be had");
  await renewals(lock, 1);
  try {
    await lock.release();
  } catch (error) {
    assert.ok(error instanceof LockLostError, `${error}`);
    assertOneLine(error, /^(Cannot release the lock on |The lock was gone before its release: |Lock lost: )/);
  }
  if (!lock.lost.aborted) return "released";
  assertOneLine(lock.lost.reason, /^Lock lost: /);
  return "lost";
}

/** Asserts that an error is one line of some length, without internals of the code. */
function assertOneLine({ message }: Error, begin: RegExp): void {
  assert.match(message, begin);
  assert.equal(message, printable(message));
  assert.doesNotMatch(message, /\bat (async )?[\w.]+ \(|file:\/\/|undefined|Cannot read prop|is not a /);
  assert.ok(message.length < 900, message);
}
