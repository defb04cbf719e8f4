import assert from "node:assert/strict";
import { lstatIfThere } from "../../../lib/system/if_there.ts";
import { locksOn, parseKernelLocks } from "../../../lib/backends/file/kernel_locks.ts";
import { queueName } from "../../../lib/backends/file/names.ts";
import { lockName } from "../../../lib/lock/lock_name.ts";
import { slotName } from "../../../lib/lock/slot_name.ts";
import { pause, until } from "../../cli/wait.ts";
import { SHORT_LEASE } from "../open.ts";
import { crewContract } from "../crew_contract.ts";
import type { Loop, Outcome } from "./take_in_a_loop.ts";

/** A lock that some workers ask for so many times each. */
const LOOPED = lockName("looped");
const ROUNDS = 1000;

const folder = Deno.makeTempDirSync({ prefix: "sera-slots-" });

Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

crewContract({
  // A wait for a file that was given up ends when it is granted, which may be after the test.
  test: (name, fn) => Deno.test({ name: `file: ${name}`, sanitizeOps: false, sanitizeResources: false, fn }),
  server: () => `file:${folder.replaceAll("\\", "/")}`,
  options: () => ({ lease: SHORT_LEASE }),
  waiting: async (name, count) => {
    // A wait of this process that was given up is still in the kernel's queue.
    if (Deno.build.os === "linux") await until(`${count} waiting for ${name}`, () => waitersFor(name) >= count);
    else await pause(300);
  },
  takeAway: async (slot) => await Deno.remove(`${folder}/${slot}.lock`),
});

Deno.test("runs with different numbers never hold slots together; a free slot never looks busy; they are refused only for the other's number", async () => {
  const holders = new Int32Array(new SharedArrayBuffer(16));
  const numbers = [3, 3, 2, 2];
  const workers = numbers.map(() => new Worker(import.meta.resolve("./take_in_a_loop.ts"), { type: "module" }));
  try {
    const outcomes = await Promise.all(workers.map((worker, index) => {
      const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
      const slots = numbers[index]!;
      const loop: Loop = { server: `file:${folder}`, lock: LOOPED, slots, rounds: ROUNDS, holders, other: 5 - slots };
      worker.postMessage(loop);
      return promise;
    }));
    for (const [index, { taken, mixed, refusals }] of outcomes.entries()) {
      assert.equal(mixed, 0);
      assert.deepEqual(refusals.filter((number) => number !== 5 - numbers[index]!), []);
      assert.equal(taken + refusals.length, ROUNDS);
      assert.ok(taken > 0);
    }
  } finally {
    for (const worker of workers) worker.terminate();
  }
});

/** How many wait for a lock, as Linux counts them. */
function waitersFor(name: string): number {
  const list = Deno.readTextFileSync("/proc/locks").split("\n");
  const of = (file: string) => {
    const info = lstatIfThere(`${folder}/${file}.lock`);
    if (!info) return [];
    // The list comes in pieces, so that a line may come twice. Each waiter is set in further than the one before it.
    const lines = new Set(list.map((line) => line.replace(/^\d+:/, "")));
    return [...lines].filter((line) => locksOn(parseKernelLocks(`1:${line}\n`), info, undefined).length > 0);
  };
  return of(slotName(name, 0)).filter((line) => line.includes("->")).length + of(queueName(name)).length;
}
