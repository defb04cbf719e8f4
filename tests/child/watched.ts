/**
 * A program with a last will that starts a command, names it with a time limit in milliseconds, says its number, and then
 * does what its first argument says: `spin`; `wait` until the command has ended, and print what the shell tells; or
 * `group`, the same with the shell in its own process group. A third one is the lock to tell of in JSON.
 */

import { LastWill } from "../../lib/child/last_will.ts";

/** In milliseconds. */
const QUIET = 8000;

const [what, limit, jsonAbout] = Deno.args as [string, string, string?];
const will = new LastWill({ timed: true, inGroup: what === "group", jsonAbout });
Deno.addSignalListener("SIGUSR1", () => undefined);
await will.ready;
const command = new Deno.Command("sleep", { args: ["1000"], detached: true, stdout: "null", stderr: "null" }).spawn();
will.kill(-command.pid, Number(limit));
if (what === "group") await will.testify();
Deno.stdout.writeSync(new TextEncoder().encode(`command ${command.pid}\n`));
if (what === "spin") {
  // It moves no more, but leaves the processor to others until shortly before the shell looks whether it computes.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, QUIET);
  for (;;);
}
await command.status;
console.log(JSON.stringify(await will.testify()));
await will[Symbol.asyncDispose]();
Deno.exit();
