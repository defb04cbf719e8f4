/**
 * A program that records runs as fast as it can, until it is killed or fails. Its arguments are the server and the
 * lock. It begins when it is told anything.
 */

import { SeraError } from "../../lib/errors.ts";
import { Holder } from "./holder.ts";

const [server, lock] = Deno.args as [string, string];
await using holder = await Holder.start({ server, table: { name: "sera_runs" } }, lock);
console.log("ready");
await Deno.stdin.read(new Uint8Array(1));
try {
  for (;;) {
    const rule = { once: crypto.randomUUID() };
    const id = await holder.started(rule);
    console.log(`begun ${id}`);
    await holder.finish(id, "succeeded", rule);
    console.log(`finished ${id}`);
  }
} catch (error) {
  if (!(error instanceof SeraError)) throw error;
  console.log(`failed: ${error.message}`);
}
