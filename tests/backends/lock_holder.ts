/**
 * A program that takes the lock that its arguments name, says so, and holds it until somebody kills it. A third argument
 * is JSON of options of the backend.
 */

import { hold, open } from "./open.ts";

const [server, name, options = "{}"] = Deno.args as [string, string, string?];
await using backend = await open(server, name, undefined, JSON.parse(options));
await hold(backend);
console.log("held");
await new Promise(() => setInterval(() => undefined, 1000));
