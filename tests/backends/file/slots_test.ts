/** Slots, several locks and limits of waiters, in files. */

import { keepExitCodes } from "../../../lib/system/children.ts";
import { crewContract } from "../crew_contract.ts";

const folder = Deno.makeTempDirSync({ prefix: "sera-slots-" });
// Before the first test, since it stays.
keepExitCodes();

Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

crewContract({
  // A wait for a file that was given up ends when it is granted, which may be after the test.
  test: (name, fn) => Deno.test({ name: `file: ${name}`, sanitizeOps: false, sanitizeResources: false, fn }),
  server: () => `file:${folder}`,
  options: () => ({ lease: { ttl: 3000, grace: 0 } }),
  // This process is the holder, which a grip would end.
  takeAway: (slot) => Deno.remove(`${folder}/${slot}.lock`),
});
