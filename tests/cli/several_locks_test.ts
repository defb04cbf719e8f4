/** Several locks, slots, and limits of waiters: the messages, and the command's variables. */

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { fixture, type Place } from "./place.ts";
import type { ProgramOptions } from "./program.ts";
import type { Running } from "./running.ts";
import { testOnAll, useTargets } from "./targets.ts";

const TARGETS = useTargets("file", "MariaDB", "PostgreSQL", "PostgreSQL 18 with leases", "etcd");

/** Tells of its lock, then goes on until stdin ends. */
const TELL = ["sh", "-c", 'echo "$SERA_LOCK_NAME|$SERA_LOCK_KEY|$SERA_SLOT"; read -r _; exit 0'];

function on(name: string, fn: (place: Place, nested: ProgramOptions) => Promise<void>): void {
  testOnAll(TARGETS, name, async (target) => {
    await using started = await target.start();
    const { place, server } = started;
    // A server with a password is taken out of the command's environment, and the file that it is in is not.
    await fn(place, { env: { SERA_SERVER: undefined, SERA_SERVER_FILE: await place.write("server", server) } });
  });
}

function start(place: Place, ...words: string[]): Running {
  return place.startSera(words, { stdin: "open" });
}

on("several locks are held together, in whatever order they are named", async (place) => {
  const [first, second] = ["database", "search"].toSorted((a, b) => lockName(a) < lockName(b) ? -1 : 1);
  await using holder = start(place, "--name", "search", "--name", "database", "--name", "search", "0", ...TELL);
  await holder.says(`${lockName(first!)} ${lockName(second!)}|${first}\n${second}|\n`);
  for (const name of ["database", "search"]) {
    const busy = await place.sera(["--verbose", "--name", name, "--name", "more", "0", "true"]);
    assert.equal(busy.code, 204);
    const said = `Lock not acquired: somebody else holds ${name} (${Deno.hostname()}:${holder.pid} `;
    assert.ok(busy.stdout.includes(said), busy.stdout);
  }
  // None of those that were free stays.
  assert.equal((await place.sera(["status", "--name", "more"])).code, 1);
  const dry = await place.sera(["--dry-run", "--name", "more", "--name", "search", "0", "true"]);
  assert.equal(dry.code, 204);
  assert.ok(dry.stdout.startsWith("Would give up at once: somebody else holds search ("), dry.stdout);
  await holder.closeStdin();
  assert.equal((await holder.ended).code, 0);
  const free = await place.sera(["--dry-run", "--name", "database", "--name", "search", "0", "true"]);
  assert.deepEqual([free.code, free.stdout], [0, "Would run the command: nobody holds the locks.\n"]);
});

on("a sera in the command may not wait for any of its locks", async (place, nested) => {
  for (const name of ["database", "search"]) {
    const inner = ["sera", "--name", "more", "--name", name, "1m", "echo", "ran"];
    const { code, stdout, stderr } = await place.run([
      "sera",
      "--name",
      "database",
      "--name",
      "search",
      "0",
      ...inner,
    ], nested);
    assert.deepEqual([code, stdout], [201, ""]);
    assert.match(stderr, new RegExp(`^sera: Cannot wait for the lock of ${name}: the outer sera `));
  }
});

on("so many hold a lock as it has slots, each with a number of its own", async (place) => {
  const run = ["--slots", "2", "--name", "n"];
  const free = await place.sera(["--dry-run", ...run, "0", "true"]);
  assert.deepEqual([free.code, free.stdout], [0, "Would run the command: slot 0 of 2 is free.\n"]);
  await using one = start(place, ...run, "0", ...TELL);
  await one.says(`${lockName("n")}|n|0\n`);
  const next = await place.sera(["--dry-run", "--json", ...run, "0", "true"]);
  assert.equal(JSON.parse(next.stdout).slot, 1);
  await using other = start(place, ...run, "0", ...TELL);
  await other.says(`${lockName("n")}|n|1\n`);
  const busy = await place.sera(["--verbose", ...run, "0", "true"]);
  assert.equal(busy.code, 204);
  assert.match(busy.stdout, /\nLock not acquired: all 2 slots are held \(\S+ n, [^\n]*, and 1 more\) - the command /);
  const dry = await place.sera(["--dry-run", ...run, "5", "true"]);
  assert.equal(dry.code, 204);
  assert.match(dry.stdout, /^Would wait up to 5s for one of 2 slots, held by .*, and 1 more\.\n$/);
  await one.closeStdin();
  assert.equal((await one.ended).code, 0);
  const json = await place.sera(["--verbose", "--log-format", "json", ...run, "0", "true"]);
  const acquired = json.stdout.trimEnd().split("\n").map((line) => JSON.parse(line)).find(({ event }) =>
    event === "acquired"
  );
  assert.equal(acquired.slot, 0);
  assert.match(acquired.message, /, slot 0 of 2\.$/);
});

on("who comes with another number of slots is refused, and so is one without", async (place) => {
  await using holder = start(place, "--slots", "2", "--name", "n", "0", ...TELL);
  await holder.says("|n|");
  for (const [flags, number] of [[[], 1], [["--slots", "3"], 3]] as const) {
    for (const dry of [[], ["--dry-run"]]) {
      const { code, stdout, stderr } = await place.sera([...dry, ...flags, "--name", "n", "0", "true"]);
      assert.deepEqual([code, stdout], [201, ""]);
      assert.match(
        stderr,
        new RegExp(`^sera: The lock is held with --slots 2, but this run has --slots ${number}\\b[^;]*; [^\\n]+\\n$`),
      );
    }
  }
});

on(
  "inside a slot's command another slot may be had, and waited for, but not when all are its ancestors'",
  async (place, nested) => {
    const run = ["sera", "--slots", "2", "--name", "n"];
    const twice = await place.run([...run, "0", ...run, "0", "sh", "-c", "echo slot $SERA_SLOT"], nested);
    assert.deepEqual(twice, { code: 0, stdout: "slot 1\n", stderr: "" });
    const thrice = await place.run([...run, "0", ...run, "0", ...run, "1m", "echo", "ran"], nested);
    assert.deepEqual([thrice.code, thrice.stdout], [201, ""]);
    assert.match(
      thrice.stderr,
      /^sera: Cannot wait for the lock of n: the outer seras \(processes \d+, \d+\) hold its 2 slots [^\n]+\n$/,
    );
    // The rule's lock has no slots.
    const once = ["--once", "k", "1m", "echo", "ran"];
    const ruled = await place.run([...run, "--once", "k", "0", ...run, ...once], nested);
    assert.deepEqual([ruled.code, ruled.stdout], [201, ""]);
    assert.match(ruled.stderr, /^sera: Cannot wait for the lock of n: the outer sera /);
    // Another run has the other slot, which may come free.
    await using other = start(place, ...run.slice(1), "0", ...TELL);
    await other.says("|n|");
    const waits = await place.run([...run, "0", ...run, "100ms", "echo", "ran"], nested);
    assert.deepEqual([waits.code, waits.stdout, waits.stderr], [204, "", ""]);
  },
);

on("no more wait than may, and who is one too many leaves at once", async (place) => {
  await using holder = start(place, "--name", "n", "0", ...TELL);
  await holder.says("|n|");
  const none = await place.sera(["--verbose", "--max-waiters", "0", "--name", "n", "1h", "true"]);
  assert.equal(none.code, 204);
  assert.match(
    none.stdout,
    /\nLock not acquired: somebody else holds it \(.*\), and nobody may wait for it \(--max-waiters 0\) - /,
  );
  await using waiter = start(place, "--verbose", "--max-waiters", "1", "--name", "n", "1h", ...TELL);
  await waiter.says(/^Waiting for /m);
  let many;
  // It has said so before it waits.
  do many = await place.sera(["--verbose", "--max-waiters", "1", "--name", "n", "200ms", "true"]); while (
    many.stdout.includes("within 200ms")
  );
  assert.equal(many.code, 204);
  assert.match(many.stdout, /^Waiting for .+, unless too many wait already \(--max-waiters 1\)\.$/m);
  assert.match(
    many.stdout,
    /, and one run already waits for it \(--max-waiters 1\) - the command was not executed\.\n$/,
  );
  const skips = await place.sera(["--verbose", "--wait-and-skip", "--max-waiters", "1", "--name", "n", "1h", "true"]);
  assert.equal(skips.code, 204);
  assert.match(skips.stdout, /, and one run already waits for it \(--max-waiters 1\) - /);
  await holder.closeStdin();
  await waiter.says("|n|");
});

on("a hold takes a slot, or several locks", async (place) => {
  await using slot = place.startSera(["hold", "n", "--for", "1h", "--slots", "2"]);
  await slot.says("Holding the lock of n until ");
  await using both = place.startSera(["hold", "--for", "1h", "--name", "a", "--name", "b"]);
  await both.says(/^Holding the locks of (a, b|b, a) until .*\nTo release them sooner: .* sera unlock --name [ab]$/m);
  assert.equal((await place.sera(["--slots", "2", "--name", "n", "0", fixture("hold.sh")])).code, 0);
  for (const name of ["a", "b"]) assert.equal((await place.sera(["--name", name, "0", "true"])).code, 204);
});
