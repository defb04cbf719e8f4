/** What a test lock reveals about a backend; here an in-memory one that behaves as the test says. */

import assert from "node:assert/strict";
import { probeLock } from "../../lib/doctor/probe_lock.ts";
import { LockLostError, LockUnavailableError } from "../../lib/errors.ts";
import { type HeldLock, type Lock, UnreleasedError } from "../../lib/lock/lock.ts";
import { heldLock } from "../ledger/memory_ledger.ts";

/** A place with one lock. */
class Place {
  holders = 0;
  /** How many may hold the lock at once. */
  excludes = true;
  /** Whether the lock is still held when that is looked at. */
  keeps = true;
  /** What happens to a lock at its release. */
  frees: () => void = () => void this.holders--;
  /** How many participants are still there. */
  open = 0;
  /** The error for each participant that requests the lock, counted from 1. */
  trouble: (participant: number) => void = () => undefined;
  #made = 0;

  readonly participant = (): Promise<Lock> => {
    const number = ++this.#made;
    this.open++;
    return Promise.resolve({
      // deno-lint-ignore require-await
      acquire: async () => {
        this.trouble(number);
        if (this.holders > 0 && this.excludes) return undefined;
        this.holders++;
        return this.#held();
      },
      session: () => Promise.resolve(undefined),
      [Symbol.asyncDispose]: () => {
        this.open--;
        return Promise.resolve();
      },
    });
  };

  #held(): HeldLock {
    return heldLock({
      confirm: () => this.keeps ? Promise.resolve() : Promise.reject(new LockLostError("Lock lost: it was freed")),
      // deno-lint-ignore require-await
      release: async () => this.frees(),
    }).lock;
  }
}

const PROXY = "connect directly to a database server, not through a proxy";

Deno.test("a lock that excludes others and can be released passes, and leaves nothing behind", async () => {
  const place = new Place();
  const { found, cure } = await probeLock(place.participant, false);
  assert.match(found, /^test lock acquired in \S+, second attempt blocked, released$/);
  assert.equal(cure, undefined);
  assert.deepEqual({ holders: place.holders, open: place.open }, { holders: 0, open: 0 });
});

const unfit: Readonly<Record<string, { set: (place: Place) => void; found: string }>> = {
  "lets two have the lock": {
    set: (place) => void (place.excludes = false),
    found: "two connections got the same lock at once",
  },
  "does not keep the lock": { set: (place) => void (place.keeps = false), found: "Lock lost: it was freed" },
  "frees nothing": {
    set: (place) => void (place.frees = () => undefined),
    found: "the test lock was still held after its release",
  },
  "gives the lock to nobody": {
    set: (place) => void (place.holders = 1),
    found: "somebody else already holds the test lock, which has a random name",
  },
};

for (const [what, { set, found }] of Object.entries(unfit)) {
  Deno.test(`a server that ${what} is unsuitable, unless unsafe ones are allowed`, async () => {
    const place = new Place();
    set(place);
    await assert.rejects(probeLock(place.participant, false), (error) => {
      assert.ok(error instanceof LockUnavailableError);
      assert.deepEqual({ what: error.what, cure: error.cure }, { what: found, cure: PROXY });
      return true;
    });
    assert.equal(place.open, 0);
    const again = new Place();
    set(again);
    assert.deepEqual(await probeLock(again.participant, true), {
      found: `${found} (--allow-unsafe-server)`,
      cure: PROXY,
    });
  });
}

Deno.test("a lock that is freed only with its session is a warning: runs still end normally", async () => {
  const place = new Place();
  place.frees = () => {
    throw new UnreleasedError("Cannot release the lock on the place: denied", "grant it");
  };
  assert.deepEqual(await probeLock(place.participant, false), {
    found: "Cannot release the lock on the place: denied",
    cure: "give the user the right to release locks, see privileges",
  });
});

Deno.test("without a second connection the report says that nobody could wait, and the lock is released", async () => {
  const place = new Place();
  place.trouble = (participant) => {
    if (participant === 2) throw new LockUnavailableError("Cannot lock on the place: too many connections", "raise it");
  };
  const { found, cure } = await probeLock(place.participant, false);
  assert.match(
    found,
    /^test lock acquired in \S+, but a second connection failed, .* wait for a lock: .*: too many connections$/,
  );
  assert.equal(cure, "raise it");
  assert.equal(place.holders, 0);
});

Deno.test("without any connection the report says why", async () => {
  const place = new Place();
  place.trouble = () => {
    throw new LockUnavailableError("Cannot lock on the place: refused", "check it");
  };
  await assert.rejects(probeLock(place.participant, true), { message: "Cannot lock on the place: refused; check it" });
  assert.equal(place.open, 0);
});
