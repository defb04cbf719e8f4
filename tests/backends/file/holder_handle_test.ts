import assert from "node:assert/strict";
import { FileHandle } from "../../../lib/backends/file/holder_handle.ts";
import { readKernelLocks } from "../../../lib/backends/file/kernel_locks.ts";
import { prepareLockFolder } from "../../../lib/backends/file/lock_folder.ts";
import { lookAtFiles } from "../../../lib/backends/file/sightings.ts";
import { lockName } from "../../../lib/lock/lock_name.ts";
import { presenceOf } from "../../../lib/lock/presence.ts";
import { keepExitCodes } from "../../../lib/system/children.ts";
import { processStat } from "../../../lib/system/process.ts";
import { linux, testWith } from "../../cli/needs.ts";
import { fixture, Place } from "../../cli/place.ts";
import { underWatch } from "../../cli/process_list.ts";
import type { Running } from "../../cli/running.ts";

const LOCK = lockName("n");
// Before the first test, since it stays.
keepExitCodes();

const LEASE = { ttl: 3000, grace: 0 };
const BY = presenceOf(LOCK, { label: "unlock by x" });

/** A sera that holds the lock until its stdin is closed. */
async function hold(place: Place): Promise<Running> {
  const holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  return holder;
}

/** A handle on whoever holds the lock now. */
function handleOn(place: Place, system?: ConstructorParameters<typeof FileHandle>[4]): FileHandle {
  const [seen] = lookAtFiles(place.locks, { lock: LOCK });
  return new FileHandle(prepareLockFolder(place.locks, false), seen!, BY, LEASE, system);
}

testWith([linux], "a process that got the holder's number later is not ended", async () => {
  await using place = await Place.make();
  await using holder = await hold(place);
  let later = 0;
  const stat = (pid: number) => {
    const now = processStat(pid);
    return now && { ...now, started: now.started + later };
  };
  const handle = handleOn(place, { stat, locks: readKernelLocks });
  later = 0.01;
  assert.equal(await handle.force(), undefined);
  await holder.write("\n");
  assert.equal((await holder.ended).code, 0);
});

testWith([linux], "whoever has the lock after the holder that was seen is not ended, nor asked", async () => {
  await using place = await Place.make();
  await using first = await hold(place);
  await using handle = handleOn(place);
  await first.closeStdin();
  await first.ended;
  await using next = await hold(place);
  assert.equal(await handle.holds(), false);
  assert.equal(await handle.force(), undefined);
  await handle.ask();
  await using asked = handleOn(place);
  assert.equal(await asked.holds(), true);
  await next.closeStdin();
  assert.equal((await next.ended).code, 0);
});

testWith([linux], "a holder on another host is not looked for here", async () => {
  await using place = await Place.make();
  await using holder = await hold(place);
  const folder = prepareLockFolder(place.locks, false);
  const seen = { lock: LOCK, state: "held", host: "elsewhere", pid: holder.pid } as const;
  const handle = new FileHandle(folder, seen, BY, LEASE);
  await assert.rejects(handle.force(), /runs on elsewhere; run sera unlock there/);
});

testWith([linux], "a holder that the kernel's list lacks once or twice is found, and ended", async () => {
  await using place = await Place.make();
  for (let missing = 1; missing <= 3; missing++) {
    await using holder = await hold(place);
    await underWatch(holder);
    let looks = 0;
    const locks = () => looks++ < missing ? [] : readKernelLocks();
    const handle = handleOn(place, { stat: processStat, locks });
    if (missing < 3) {
      assert.deepEqual(await handle.force(), {});
      assert.equal((await holder.ended).code, 137);
    } else {
      await assert.rejects(handle.force(), /has ended, or cannot be seen from here/);
    }
  }
});

testWith([linux], "without the kernel's list no process is ended, nor said to have ended", async () => {
  await using place = await Place.make();
  await using holder = await hold(place);
  for (const stat of [processStat, () => undefined]) {
    const handle = handleOn(place, { stat, locks: () => undefined });
    await assert.rejects(handle.force(), /^Error: Cannot be sure which process holds the lock: /);
  }
  assert.equal(holder.over, false);
});
