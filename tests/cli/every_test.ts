import assert from "node:assert/strict";
import { outcomes } from "./ledger_view.ts";
import { fixture } from "./place.ts";
import { FILE, type Target, testOn, useTargets } from "./targets.ts";

const RAN = { code: 0, stdout: "ran\n", stderr: "" };
const SKIPPED = { code: 205, stdout: "", stderr: "" };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** etcd counts by leases, and has no clock that could be wrong. */
const hasClock = ({ name }: Target) => name !== "etcd";

const targets = useTargets();

for (const target of targets) {
  testOn(target, `--every on ${target.name}: at most one run begins in this time`, async () => {
    await using started = await target.start();
    const { place, ledger } = started;
    const every = () => place.sera(["--detailed-exit-codes", "--every", "1h", "0", "echo", "ran"]);
    assert.deepEqual(await every(), RAN);
    assert.deepEqual(await every(), SKIPPED);
    await ledger.age(59 * MINUTE);
    assert.deepEqual(await every(), SKIPPED);
    await ledger.age(2 * MINUTE);
    assert.deepEqual(await every(), RAN);
    assert.deepEqual(await every(), SKIPPED);
    if (hasClock(target)) {
      // The server's clock has been set back since.
      await ledger.age(-2 * HOUR);
      assert.deepEqual(await every(), SKIPPED);
    }
    assert.deepEqual(await outcomes(place), ["succeeded", "succeeded"]);
  });
}

for (const target of targets.filter(hasClock)) {
  testOn(
    target,
    `--every on ${target.name}: a run that a wrong clock put a day ahead keeps nobody away, and is told of`,
    async () => {
      await using started = await target.start();
      const { place, ledger } = started;
      const every = (...flags: string[]) =>
        place.sera(["--detailed-exit-codes", ...flags, "--name", "n", "--every", "10m", "0", "echo", "ran"]);
      assert.deepEqual(await every(), RAN);
      await ledger.age(-DAY);
      const { code, stdout, stderr } = await every();
      assert.deepEqual({ code, stdout }, { code: 0, stdout: "ran\n" });
      assert.match(
        stderr,
        /^sera: Run 1 by \S+ at 20\S+ \S+Z is dated more than 10m ahead of the (?:server|machine)'s clock, so it does not count for --every, and run 2 starts; check that clock\.\n$/,
      );
      assert.deepEqual(await every(), SKIPPED);
      await ledger.age(5 * MINUTE);
      await ledger.age(-9 * MINUTE);
      const ahead = await every("--verbose");
      assert.equal(ahead.code, 205);
      assert.match(
        ahead.stdout,
        /^Done within 10m of now: run 2 by [^\n]+ ahead of the (?:server|machine)'s clock, [^\n]+$/m,
      );
      await ledger.age(16 * MINUTE);
      // Reported once: there is a run after it.
      assert.deepEqual(await every(), RAN);
    },
  );
}

for (const target of targets) {
  testOn(target, `--once-per on ${target.name} is --every, for days as well`, async () => {
    await using started = await target.start();
    const { place, ledger } = started;
    const run = (...flags: string[]) =>
      place.sera(["--detailed-exit-codes", "--name", "n", ...flags, "0", "echo", "ran"]);
    assert.deepEqual(await run("--once-per", "1h30m"), RAN);
    await ledger.age(89 * MINUTE);
    assert.deepEqual(await run("--once-per", "1h30m"), SKIPPED);
    await ledger.age(89 * DAY);
    assert.deepEqual(await run("--once-per=90d"), SKIPPED);
    assert.deepEqual(await run("--once-per", "89d"), RAN);
    // No time in etcd is before 1970.
    await ledger.age((hasClock(target) ? 36_499 : 20_000) * DAY);
    const { stdout } = await place.sera(["--verbose", "--name", "n", "--every", "36500d", "0", "echo", "ran"]);
    assert.match(
      stdout,
      /^Settings: [^\n]+\nDone within the last 876000h: run \d+ by [^\n]+ succeeded - skipped the command\.\n/,
    );
  });
}

testOn(
  FILE,
  "runs that --every needs are kept long enough, and failed runs count only with --count-failures",
  async () => {
    await using started = await FILE.start();
    const { place, ledger } = started;
    const flags = ["--detailed-exit-codes", "--name", "n", "--keep-history", "0", "--every", "1h"];
    assert.equal((await place.sera([...flags, "0", "false"])).code, 1);
    assert.deepEqual(await place.sera([...flags, "--count-failures", "0", "echo", "ran"]), SKIPPED);
    assert.deepEqual(await place.sera([...flags, "0", "echo", "ran"]), RAN);
    assert.deepEqual(await place.sera([...flags, "0", "echo", "ran"]), SKIPPED);
    assert.deepEqual(await outcomes(place), ["succeeded", "failed"]);
    await ledger.age(61 * MINUTE);
    assert.deepEqual(await place.sera([...flags, "0", "echo", "ran"]), RAN);
    assert.deepEqual(await outcomes(place), ["succeeded"]);
  },
);

testOn(FILE, "--every and --once together: either keeps the command from running", async () => {
  await using started = await FILE.start();
  const { place, ledger } = started;
  const run = (key: string) =>
    place.sera(["--detailed-exit-codes", "--name", "n", "--every", "1h", "--once", key, "0", "echo", "ran"]);
  assert.deepEqual(await run("a"), RAN);
  assert.deepEqual(await run("b"), SKIPPED);
  await ledger.age(2 * HOUR);
  assert.deepEqual(await run("a"), SKIPPED);
  assert.deepEqual(await run("b"), RAN);
});

testOn(
  FILE,
  "a run that began long ago and ended just now does not count: the time is from start to start",
  async () => {
    await using started = await FILE.start();
    const { place, ledger } = started;
    const flags = ["--name", "n", "--every", "1h"];
    await using long = place.startSera([...flags, "0", fixture("hold.sh")], { stdin: "open" });
    await long.says("ready");
    await ledger.age(61 * MINUTE);
    await long.closeStdin();
    assert.equal((await long.ended).code, 0);
    assert.deepEqual(await place.sera([...flags, "0", "echo", "ran"]), RAN);
  },
);
