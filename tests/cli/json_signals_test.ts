/** The last line of JSON has the exit code, also where a signal that ends other programs at once ends a waiter. */

import assert from "node:assert/strict";
import { numberOf } from "../../lib/child/signal_lists.ts";
import { linux, testWith } from "./needs.ts";
import { fixture, Place } from "./place.ts";

/** Those that end a program by default and can be caught here. signal(7) */
const SIGNALS: readonly Deno.Signal[] = [
  ...["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF"] as const,
  ...["SIGIO", "SIGXCPU", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGSYS", "SIGPWR", "SIGSTKFLT"] as const,
];

testWith([linux], "whatever signal ends a waiter, the last line of JSON has the exit code", async () => {
  await using place = await Place.make();
  await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  const flags = ["--log-format", "json", "--verbose=stderr", "--name", "n"];
  for (const signal of SIGNALS) {
    for (const mode of signal === "SIGUSR1" ? [[], ["--wait-and-skip"]] : [[]]) {
      await using waiter = place.startSera([...flags, ...mode, "forever", "echo", "ran"]);
      await waiter.says('"event":"waiting"');
      waiter.kill(signal);
      const { code, stdout, stderr } = await waiter.ended;
      assert.deepEqual([signal, code, stdout], [signal, 128 + numberOf(signal)!, ""]);
      const last = JSON.parse(stderr.trimEnd().split("\n").at(-1)!);
      assert.deepEqual([last.event, last.exit_code], ["interrupted", code]);
    }
  }
});

testWith([linux], "a signal that sera was started with ignored does not end a waiter in JSON either", async () => {
  await using place = await Place.make();
  await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  const words = ["sera", "--log-format", "json", "--verbose=stderr", "--name", "n", "forever", "echo", "ran"];
  await using waiter = place.start(["sh", "-c", 'trap "" USR1; exec "$@"', "sh", ...words]);
  await waiter.says('"event":"waiting"');
  waiter.kill("SIGUSR1");
  await holder.closeStdin();
  const { code, stdout } = await waiter.ended;
  assert.deepEqual([code, stdout], [0, "ran\n"]);
});

testWith([linux], "such a signal after the command's end does not end a sera that keeps the lock", async () => {
  await using place = await Place.make();
  const flags = ["--log-format", "json", "--verbose=stderr", "--name", "n", "--min-hold", "1h"];
  await using run = place.startSera([...flags, "0", "sh", "-c", "exit 3"]);
  await run.says("Keeping the lock");
  run.kill("SIGUSR1");
  assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 204);
  run.kill("SIGTERM");
  const { code, stderr } = await run.ended;
  assert.equal(code, 3);
  assert.equal(JSON.parse(stderr.trimEnd().split("\n").at(-1)!).exit_code, 3);
});
