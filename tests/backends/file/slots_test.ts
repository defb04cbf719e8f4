import { lstatIfThere } from "../../../lib/system/if_there.ts";
import { locksOn, parseKernelLocks } from "../../../lib/backends/file/kernel_locks.ts";
import { queueName } from "../../../lib/backends/file/names.ts";
import { slotName } from "../../../lib/lock/slot_name.ts";
import { pause, until } from "../../cli/wait.ts";
import { SHORT_LEASE } from "../open.ts";
import { crewContract } from "../crew_contract.ts";

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
