import assert from "node:assert/strict";
import { fixture, type Place } from "./place.ts";
import type { Running } from "./running.ts";
import { testOn, useTargets } from "./targets.ts";
import { until } from "./wait.ts";

const NODES = 4;

/** Starts the same sera on several "nodes" at once. */
function startNodes(place: Place, stack: AsyncDisposableStack, args: readonly string[]): Running[] {
  return Array.from({ length: NODES }, () => stack.use(place.startSera(args, { stdin: "open" })));
}

/** The one whose command runs. */
function runner(nodes: readonly Running[]): Promise<Running> {
  return until("one of the commands runs", () => nodes.find(({ stdout }) => stdout.includes("ready")));
}

async function codes(nodes: readonly Running[]): Promise<number[]> {
  return (await Promise.all(nodes.map((node) => node.ended))).map(({ code }) => code);
}

for (const target of useTargets()) {
  testOn(target, `staggered on ${target.name}: everyone runs, never two at a time`, async () => {
    await using started = await target.start();
    await using stack = new AsyncDisposableStack();
    const { place } = started;
    const nodes = startNodes(place, stack, ["180", fixture("turn.sh"), place.file("turns")]);
    assert.deepEqual(await codes(nodes), Array(NODES).fill(0));
    const turns = (await place.read("turns")).trim().split("\n");
    assert.equal(turns.length, 2 * NODES);
    for (let i = 0; i < turns.length; i += 2) {
      assert.equal(turns[i + 1], turns[i]!.replace("begin", "end"), turns.join("\n"));
    }
  });

  testOn(target, `execute once on ${target.name}: one runs, the others leave with 204`, async () => {
    await using started = await target.start();
    await using stack = new AsyncDisposableStack();
    const nodes = startNodes(started.place, stack, ["0", fixture("hold.sh")]);
    const first = await runner(nodes);
    const others = nodes.filter((node) => node !== first);
    assert.deepEqual(await codes(others), Array(NODES - 1).fill(204));
    assert.deepEqual(others.map(({ stdout, stderr }) => stdout + stderr), Array(NODES - 1).fill(""));
    assert.equal(first.over, false);
    await first.closeStdin();
    assert.equal((await first.ended).code, 0);
  });

  for (const { flags, code } of [{ flags: [], code: 0 }, { flags: ["--detailed-exit-codes"], code: 205 }]) {
    testOn(target, `wait and skip on ${target.name}: one runs, the others wait and give ${code}`, async () => {
      await using started = await target.start();
      await using stack = new AsyncDisposableStack();
      const words = [fixture("hold.sh")];
      const nodes = startNodes(started.place, stack, ["--wait-and-skip", ...flags, "--", "180", ...words]);
      const first = await runner(nodes);
      const others = nodes.filter((node) => node !== first);
      await until("the others wait", async () => (await started.waiters(words.join(" "))) === NODES - 1);
      assert.equal(nodes.some(({ over }) => over), false);
      await first.closeStdin();
      assert.equal((await first.ended).code, 0);
      assert.deepEqual(await codes(others), Array(NODES - 1).fill(code));
      assert.deepEqual(others.map(({ stdout, stderr }) => stdout + stderr), Array(NODES - 1).fill(""));
    });
  }

  testOn(
    target,
    `wait and skip on ${target.name}: 204 when the first takes longer than the wait`,
    async () => {
      await using started = await target.start();
      const { place } = started;
      await using first = place.startSera(["--wait-and-skip", "180", fixture("hold.sh")], { stdin: "open" });
      await first.says("ready");
      const { code, stdout } = await place.sera(["--wait-and-skip", "--detailed-exit-codes", "1", fixture("hold.sh")]);
      assert.deepEqual({ code, stdout }, { code: 204, stdout: "" });
      assert.equal(first.over, false);
    },
  );

  testOn(target, `staggered on ${target.name}: a wait that runs out is 204, and nothing runs`, async () => {
    await using started = await target.start();
    const { place } = started;
    await using first = place.startSera(["180", fixture("hold.sh")], { stdin: "open" });
    await first.says("ready");
    for (const wait of ["1", "300ms"]) {
      const began = performance.now();
      const { code, stdout } = await place.sera([wait, fixture("hold.sh")]);
      assert.deepEqual({ code, stdout }, { code: 204, stdout: "" });
      assert.ok(performance.now() - began >= 300);
    }
  });

  testOn(target, `different commands do not wait for each other on ${target.name}`, async () => {
    await using started = await target.start();
    const { place } = started;
    await using first = place.startSera(["0", fixture("hold.sh")], { stdin: "open" });
    await first.says("ready");
    assert.equal((await place.sera(["0", "true"])).code, 0);
    assert.equal((await place.sera(["0", fixture("hold.sh"), "x"])).code, 0);
  });

  testOn(target, `the command's exit code is kept on ${target.name}`, async () => {
    await using started = await target.start();
    assert.deepEqual(await started.place.sera(["0", "sh", "-c", "exit 42"]), { code: 42, stdout: "", stderr: "" });
  });

  testOn(target, `a killed sera frees the lock on ${target.name}, and the next waiter runs`, async () => {
    await using started = await target.start();
    const { place } = started;
    await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
    await holder.says("ready");
    await using waiter = place.startSera(["--name", "n", "180", "echo", "ran"]);
    await until("it waits", async () => (await started.waiters("n")) === 1);
    holder.kill("SIGKILL");
    assert.deepEqual(await waiter.ended, { code: 0, stdout: "ran\n", stderr: "" });
  });

  testOn(target, `the command gets no descriptor of sera's on ${target.name}`, async () => {
    await using started = await target.start();
    const { place } = started;
    const list = "ls /proc/self/fd | tr '\\n' ' '";
    const direct = await place.run(["sh", "-c", list]);
    const under = await place.sera(["0", "sh", "-c", list]);
    assert.deepEqual(under, direct);
    const { stdout } = await place.sera(["0", "ls", "-l", "/proc/self/fd"]);
    assert.doesNotMatch(stdout, /\.lock|socket:/);
  });

  testOn(target, `no password reaches the command's environment on ${target.name}`, async () => {
    await using started = await target.start();
    const { code, stdout } = await started.place.sera(["0", "env"]);
    assert.equal(code, 0);
    // Only what surely holds no password is left.
    assert.equal(stdout.includes("SERA_SERVER="), !started.server.includes("@") && !/password/i.test(started.server));
    assert.doesNotMatch(stdout, /sera:secret@/);
  });
}
