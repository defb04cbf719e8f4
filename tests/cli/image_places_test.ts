/**
 * What the container image does on etcd and with leases: its entrypoint as process 1, as the image's user, without a home,
 * and on a file system that cannot be written to.
 */

import assert from "node:assert/strict";
import { DockerfileParser } from "dockerfile-ast";
import { dockerfileText, entrypoint } from "../docs/dockerfile.ts";
import { mariaDbTarget, postgresTarget } from "./lease_targets.ts";
import { anotherUser, mountNamespace, pidNamespace, testWith, tool } from "./needs.ts";
import { fixture, type Place } from "./place.ts";
import { PROGRAM } from "./program.ts";
import type { Running } from "./running.ts";
import { useEtcd } from "./targets.ts";

const [uid, gid] = DockerfileParser.parse(dockerfileText()).getInstructions()
  .filter((line) => line.getKeyword() === "USER").at(-1)!.getArgumentsContent()!.split(":");
const ENTRYPOINT = entrypoint().flatMap((word) => word === "/usr/bin/sera" ? PROGRAM : [word]);
/** Each word starts the next one in its own place, so that the image's init is process 1. */
const CONTAINER = `mount -o remount,bind,ro / || exit
  [ ! -w / ] || exit
  exec setpriv --reuid ${uid} --regid ${gid} --clear-groups env -u HOME "$@"`;
const IMAGE = [
  ...["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", CONTAINER, "sh"],
  ...ENTRYPOINT,
];

/** Starts the command line of the image's container. */
function startImage(place: Place, args: readonly string[]): Running {
  return place.start([...IMAGE, ...args], { stdin: "open" });
}

/** Sees that the image takes a lock, keeps others out, gives the command a token, and hands its exit code on. */
async function seeLock(place: Place): Promise<void> {
  {
    await using holder = startImage(place, ["--name", "n", "0", fixture("hold.sh")]);
    await holder.says("ready");
    assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 204);
    await using second = startImage(place, ["--name", "n", "0", "true"]);
    assert.deepEqual(await second.ended, { code: 204, stdout: "", stderr: "" });
    await holder.closeStdin();
    assert.deepEqual(await holder.ended, { code: 0, stdout: "ready\n", stderr: "" });
  }
  await using run = startImage(place, ["--name", "n", "180", "sh", "-c", 'test "$SERA_TOKEN" -gt 1 && exit 42']);
  assert.deepEqual(await run.ended, { code: 42, stdout: "", stderr: "" });
}

const needs = [pidNamespace, mountNamespace, anotherUser, tool("tini", "--version")];
for (const target of [useEtcd(), mariaDbTarget(), postgresTarget()]) {
  const what = target.name === "etcd" ? "locks on etcd" : `keeps leases on ${target.name}`;
  testWith([...needs, target.need], `the image ${what}`, async () => {
    await using started = await target.start();
    await seeLock(started.place);
  });
}
