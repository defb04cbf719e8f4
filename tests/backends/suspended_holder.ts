/**
 * A program that takes the lock that its arguments name, says so, and then says again and again whether it may start
 * something: `sure` or `refused`; and `lost` when it is told of the loss. The third argument is the TTL in milliseconds.
 */

import { hold, open } from "./open.ts";

const [server, name, ttl] = Deno.args as [string, string, string];
await using backend = await open(server, name, undefined, { lease: { ttl: Number(ttl), grace: 500 } });
const lock = await hold(backend);
lock.lost.addEventListener("abort", () => console.log(`lost: ${lock.lost.reason.message}`));
console.log("held");
for (;;) {
  await lock.confirm().then(() => console.log("sure"), () => console.log("refused"));
  await new Promise((resolve) => setTimeout(resolve, 20));
}
