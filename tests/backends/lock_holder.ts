/**
 * A program that takes the lock that its arguments name, says so, and holds it until somebody kills it. A third argument
 * is JSON of options of the backend, a fourth how long it waits, in milliseconds.
 */

import { never, open } from "./open.ts";

const [server, name, options = "{}", wait = "0"] = Deno.args as [string, string, string?, string?];
await using backend = await open(server, name, undefined, JSON.parse(options));
const lock = await backend.acquire(Number(wait), never);
if (!lock) throw new Error("somebody else has the lock");
console.log(lock.slot === undefined ? "held" : `held slot ${lock.slot}.`);
await new Promise(() => setInterval(() => undefined, 1000));
