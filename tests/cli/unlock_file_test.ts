/** `sera unlock` for locks in files: the holder looks for a request, and only the process that was shown is ever killed. */

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { linux, pidNamespace, terminal, testWith, tool } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { underWatch } from "./process_list.ts";
import type { Running } from "./running.ts";
import { KEY, startInTerminal } from "./terminal.ts";
import { until } from "./wait.ts";

const LOCK = lockName("n");
const SHORT = { SERA_TTL: "3s", SERA_GRACE: "2s" };

async function withHolder(
  act: (place: Place, holder: Running) => Promise<void>,
  { flags = [], env = SHORT }: { readonly flags?: readonly string[]; readonly env?: Record<string, string> } = {},
): Promise<void> {
  await using place = await Place.make();
  await using holder = place.startSera([...flags, "--name", "n", "0", fixture("hold.sh")], { stdin: "open", env });
  await holder.says("ready");
  await act(place, holder);
}

testWith([linux], "a holder that is asked stops its command, releases the lock and says who asked", async () => {
  await withHolder(async (place, holder) => {
    const { code, stdout, stderr } = await place.sera(["unlock", "--yes", "--wait", "2m", "--name", "n"]);
    const lines = stdout.trimEnd().split("\n");
    assert.match(lines[0]!, new RegExp(`^${LOCK.slice(0, 12)} is held by .*:${holder.pid} n, since .*\\.$`));
    assert.deepEqual([lines.slice(1), code], [["Released."], 0]);
    assert.equal(stderr, "sera: Asked it to end; waiting up to 2m for that\n");
    const ended = await holder.ended;
    assert.equal(ended.code, 206);
    assert.match(
      ended.stderr,
      new RegExp(`^sera: Asked to release the lock: unlock by \\S+@${Deno.hostname()}; stopping .*hold.sh\n$`),
    );
    assert.deepEqual([...Deno.readDirSync(place.locks)].map(({ name }) => name), [`${LOCK}.lock`]);
    assert.equal(
      (await place.sera(["unlock", "--yes", "--name", "n"])).stdout,
      "Free: nobody holds it. To see what is held: sera status\n",
    );
  });
});

testWith([linux], "the run of a holder that was asked has failed, and --once lets it run again", async () => {
  await withHolder(async (place, holder) => {
    assert.equal((await place.sera(["unlock", "--yes", "--wait", "2m", "--name", "n"])).code, 0);
    assert.equal((await holder.ended).code, 206);
    const { runs: [run] } = JSON.parse((await place.sera(["history", "--json"])).stdout);
    assert.deepEqual([run.outcome, run.exit_code], ["failed", 206]);
    assert.equal((await place.sera(["--once", "k", "--name", "n", "0", "true"])).code, 0);
    assert.equal(JSON.parse((await place.sera(["history", "--json"])).stdout).runs.length, 2);
  }, { flags: ["--once", "k", "--min-hold", "1h"] });
});

testWith([linux], "a request for an earlier holder is none for this one", async () => {
  await withHolder(async (place, holder) => {
    await place.write(`locks/${LOCK}.end`, JSON.stringify({ hold: crypto.randomUUID(), label: "unlock by x" }));
    // The next one replaces it.
    const { code } = await place.sera(["unlock", "--yes", "--wait", "2m", "--json", "--name", "n"]);
    assert.equal(code, 0);
    assert.match((await holder.ended).stderr, /unlock by (?!x)/);
  });
});

testWith([linux], "a paused holder does not answer; by force it is killed, and its command with it", async () => {
  await withHolder(async (place, holder) => {
    await underWatch(holder);
    await holder.suspend();
    await using patient = place.startSera(["unlock", "--yes", "--ttl=3s", "--grace=2s", "--name", "n"]);
    // A third of the ttl, the grace period, and two seconds.
    await patient.says("Asked it to end; waiting up to 5s for that");
    patient.kill("SIGINT");
    await patient.ended;
    const asked = await place.sera(["unlock", "--yes", "--wait", "1s", "--json", "--name", "n"]);
    const { outcome, reason, holder: { pid } } = JSON.parse(asked.stdout);
    assert.deepEqual([asked.code, outcome, pid], [1, "held", holder.pid]);
    assert.equal(reason, "it did not end within 1s; use --force, or wait longer with --wait");
    const forced = await place.sera(["unlock", "--yes", "--wait", "0", "--force", "--name", "n"]);
    assert.match(forced.stdout, /\nReleased by force\.\n$/);
    assert.equal(forced.code, 0);
    assert.equal((await holder.ended).code, 137);
  });
});

testWith([linux, tool("flock", "--version")], "a holder that is no sera cannot be asked", async () => {
  await using place = await Place.make();
  await Deno.mkdir(place.locks);
  await using holder = place.start(["flock", "--no-fork", place.locks + `/${LOCK}.lock`, fixture("hold.sh")], {
    stdin: "open",
  });
  await holder.says("ready");
  const asked = await place.sera(["unlock", "--yes", "--lock", LOCK.slice(0, 6)]);
  assert.equal(asked.code, 1);
  assert.match(asked.stdout, /Still held: it cannot be asked, since it is not a sera that can be asked; use --force\n/);
  assert.equal((await place.sera(["unlock", "--yes", "--force", "--name", "n"])).code, 0);
  assert.equal((await holder.ended).code, 137);
});

testWith(
  [linux, tool("flock", "--version")],
  "a lock that is kept by what the holder started is still held",
  async () => {
    await using place = await Place.make();
    await Deno.mkdir(place.locks);
    // flock(1) runs the command as a child, to which it leaves the locked file.
    await using holder = place.start(["flock", `${place.locks}/${LOCK}.lock`, fixture("hold.sh")], { stdin: "open" });
    await holder.says("ready");
    const forced = await place.sera(["unlock", "--yes", "--force", "--name", "n"]);
    assert.match(
      forced.stdout,
      /\nStill held: it was ended, but something still holds the lock, such as a process that it started\n$/,
    );
    assert.equal(forced.code, 1);
    const again = await place.sera(["unlock", "--yes", "--force", "--name", "n"]);
    assert.match(
      again.stderr,
      /^sera: Process \d+ has ended, or cannot be seen from here; end what it started /,
    );
    assert.equal(again.code, 202);
    await holder.closeStdin();
    await until("the lock is free", async () => (await place.sera(["status", "--name", "n"])).code === 1 || undefined);
    assert.equal((await holder.ended).code, 137);
  },
);

testWith(
  [pidNamespace, tool("test", "-w", "/proc/sys/kernel/ns_last_pid")],
  "a process of this container that has the number of a holder in another one is not killed",
  async () => {
    await withHolder(async (place, holder) => {
      // The namespace counts on from there, so that the process has the holder's number in it.
      const script = `echo ${holder.pid - 1} >/proc/sys/kernel/ns_last_pid; sleep 600 & other=$!
        sera unlock --yes --force --wait 0 --name n; code=$?
        kill -0 $other && echo $other lives; exit $code`;
      const { code, stdout, stderr } = await place.run(
        ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script],
      );
      assert.match(
        stdout,
        new RegExp(`^${LOCK.slice(0, 12)} is held by .*:${holder.pid} n, .*\n${holder.pid} lives\n$`),
      );
      assert.match(
        stderr,
        new RegExp(`^sera: Process ${holder.pid} has ended, or cannot be seen from here; end what it started `),
      );
      assert.equal(code, 202);
      await holder.closeStdin();
      assert.equal((await holder.ended).code, 0);
    });
  },
);

testWith([linux], "two who unlock at once are both told that it is released", async () => {
  await withHolder(async (place, holder) => {
    const both = await Promise.all([1, 2].map(() => place.sera(["unlock", "--yes", "--wait", "2m", "--name", "n"])));
    assert.deepEqual(both.map(({ code }) => code), [0, 0]);
    assert.equal((await holder.ended).code, 206);
  });
});

Deno.test("without a terminal --yes and a lock are needed", async () => {
  await using place = await Place.make();
  const unsure = await place.sera(["unlock", "--name", "n"]);
  assert.deepEqual([unsure.code, unsure.stderr], [
    201,
    "sera: Cannot ask whether to end the holder: stdin is not a terminal; use --yes\n",
  ]);
  const late = await place.sera(["unlock", "--", "job", "--yes"]);
  assert.deepEqual([late.code, late.stderr], [
    201,
    "sera: Cannot ask whether to end the holder: stdin is not a terminal; write --yes before the command\n",
  ]);
  const all = await place.sera(["unlock", "--yes"]);
  assert.deepEqual([all.code, all.stderr], [
    201,
    "sera: Cannot tell which lock to release; give its command after --, or --name, or --lock PREFIX\n",
  ]);
  assert.equal((await place.sera(["unlock", "--yes", "--wait", "soon", "--name", "n"])).code, 201);
});

testWith([linux], "of several holders that a prefix fits none is ended", async () => {
  await using place = await Place.make();
  // Their names begin with the same digit.
  const names = [..."abcdefghijklmnopqrstuvwxyz"].filter((name) => lockName(name).startsWith("8")).slice(0, 2);
  await using one = place.startSera(["--name", names[0]!, "0", fixture("hold.sh")], { stdin: "open" });
  await using other = place.startSera(["--name", names[1]!, "0", fixture("hold.sh")], { stdin: "open" });
  await Promise.all([one.says("ready"), other.says("ready")]);
  const { code, stdout, stderr } = await place.sera(["unlock", "--yes", "--force", "--lock", "8"]);
  assert.equal(code, 201);
  for (const name of names) assert.match(stdout, new RegExp(lockName(name).slice(0, 12)));
  assert.match(
    stderr,
    /^sera: Cannot tell which of 2 holders to end; give a longer --lock PREFIX, or the lock's --name\n$/,
  );
  assert.deepEqual([one.over, other.over], [false, false]);
});

testWith(
  [linux, terminal],
  "at a terminal it asks, and leaves the holder without a yes",
  async () => {
    await withHolder(async (place, holder) => {
      for (const answer of ["\n", KEY.ctrlD]) {
        await using no = startInTerminal(place, `SERA_TTL=3s ${place.file("bin/sera")} unlock --name n`);
        await no.says("End it? [y/N] ");
        await no.write(answer);
        const { code, stdout } = await no.ended;
        assert.equal(code, 1);
        assert.match(stdout, /\r\nLeft as it is\.\r\n$/);
      }
      await using force = startInTerminal(place, `${place.file("bin/sera")} unlock --wait 0 --name n`);
      await force.says("End it? [y/N] ");
      await force.write("y\n");
      await force.says("It was not asked. Take the lock from it by force? [y/N] ");
      await force.write("n\n");
      assert.equal((await force.ended).code, 1);
      await using yes = startInTerminal(place, `SERA_TTL=3s ${place.file("bin/sera")} unlock --wait 2m --name n`);
      await yes.says("End it? [y/N] ");
      await yes.write("y\n");
      assert.equal((await yes.ended).code, 0);
      assert.equal((await holder.ended).code, 206);
    });
  },
);

testWith(
  [linux, terminal],
  "at a terminal times are local, and a holder that ended meanwhile is not asked",
  async () => {
    await withHolder(async (place, holder) => {
      const asking = `stty columns 200; exec env TZ=Asia/Kolkata ${place.file("bin/sera")} unlock --name n`;
      await using unlock = startInTerminal(place, asking);
      await unlock.says("End it? [y/N] ");
      await holder.closeStdin();
      assert.equal((await holder.ended).code, 0);
      await using next = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
      await next.says("ready");
      await unlock.write("y\n");
      const { code, stdout } = await unlock.ended;
      assert.match(stdout, / n, since \S+ \S+\+05:30 \(/);
      assert.match(stdout, /y\r\nReleased: it ended by itself\.\r\n$/);
      assert.equal(code, 0);
      await next.closeStdin();
      assert.equal((await next.ended).code, 0);
    });
  },
);

testWith([linux], "with --json the object has the same keys, whether a lock is held or free", async () => {
  await withHolder(async (place, holder) => {
    const unlock = async () => JSON.parse((await place.sera(["unlock", "--yes", "--json", "--name", "n"])).stdout);
    const released = await unlock();
    assert.deepEqual([released.outcome, released.holder.pid], ["released", holder.pid]);
    assert.equal((await holder.ended).code, 206);
    const free = await unlock();
    assert.deepEqual([free.outcome, free.lock, free.holder], ["free", LOCK, null]);
    assert.deepEqual(Object.keys(free), Object.keys(released));
  });
});
