import assert from "node:assert/strict";
import { Deadline } from "../../lib/deadline.ts";
import { LockUnavailableError } from "../../lib/errors.ts";
import { untilAnswered } from "../../lib/lock/until_answered.ts";

const { signal: never } = new AbortController();

/** Asks for something that fails so many times, and counts how often it was asked for. */
async function asked(failures: number, transient: boolean, options: { refusals?: number; deadline?: Deadline } = {}) {
  let times = 0;
  const told: string[] = [];
  const ask = () => {
    if (++times <= failures) {
      return Promise.reject(new LockUnavailableError(`failure ${times}`, undefined, { transient }));
    }
    return Promise.resolve("answered");
  };
  const terms = { ttl: 60, ended: never, failed: ({ message }: Error) => void told.push(message), ...options };
  const result = await untilAnswered(ask, terms).catch(({ message }: Error) => message);
  return { times, told: told.length, result };
}

Deno.test("every failure is retried, transient or not, and reported", async () => {
  for (const transient of [true, false]) {
    assert.deepEqual(await asked(5, transient), { times: 6, told: 5, result: "answered" });
  }
});

Deno.test("where refusals end the attempts, only permanent ones count", async () => {
  assert.deepEqual(await asked(9, false, { refusals: 3 }), { times: 3, told: 2, result: "failure 3" });
  assert.deepEqual(await asked(2, false, { refusals: 3 }), { times: 3, told: 2, result: "answered" });
  assert.deepEqual(await asked(5, true, { refusals: 3 }), { times: 6, told: 5, result: "answered" });
});

Deno.test("once the deadline has passed there is no further attempt", async () => {
  assert.deepEqual(await asked(9, true, { deadline: new Deadline(0) }), { times: 1, told: 0, result: "failure 1" });
});
