/** A program that takes the lock that its arguments name, says so, and holds it until somebody kills it. */

import { hold, open } from "./open.ts";

const [server, name] = Deno.args as [string, string];
await using backend = await open(server, name);
await hold(backend);
console.log("held");
await new Promise(() => setInterval(() => undefined, 1000));
