/**
 * Starts a command under a helper shell, with a time limit in milliseconds as the second argument, and prints its PID. Then it
 * does what the first argument says: `spin`; `wait`, until the command has ended, and print the helper shell's answer; or
 * `group`, the same with the shell in this process group. The third argument is a lock's name, for messages in JSON.
 */

import { HelperShell } from "../../lib/child/helper_shell.ts";

/** In milliseconds. */
const QUIET = 8000;

const [what, limit, jsonAbout] = Deno.args as [string, string, string?];
const helperShell = new HelperShell({ timed: true, inGroup: what === "group", jsonAbout });
Deno.addSignalListener("SIGUSR1", () => undefined);
await helperShell.ready;
const command = new Deno.Command("sleep", { args: ["1000"], detached: true, stdout: "null", stderr: "null" }).spawn();
helperShell.kill(-command.pid, Number(limit));
if (what === "group") await helperShell.status();
Deno.stdout.writeSync(new TextEncoder().encode(`command ${command.pid}\n`));
if (what === "spin") {
  // It moves no more, but leaves the processor to others until shortly before the shell looks whether it computes.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, QUIET);
  for (;;);
}
await command.status;
console.log(JSON.stringify(await helperShell.status()));
await helperShell[Symbol.asyncDispose]();
Deno.exit();
