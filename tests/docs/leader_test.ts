/** Tries the leader of docs/examples.md: nodes are namespaces of process ids, in which a shell restarts sera as systemd does. */

import assert from "node:assert/strict";
import { linux, pidNamespace, testWith, tool } from "../cli/needs.ts";
import type { Place } from "../cli/place.ts";
import { children, descendants, type Running } from "../cli/running.ts";
import { until } from "../cli/wait.ts";
import { inPlace, placeWith } from "./in_place.ts";
import { fileExample, page } from "./markdown.ts";

const UNIT = fileExample("/etc/systemd/system/scheduler.service", page("docs/examples.md"));

/** The value of a line of the unit. */
function setting(name: string): string {
  return new RegExp(`^${name}=(.*)$`, "m").exec(UNIT)![1]!;
}

/** A place whose scheduler notes on which node it leads, and goes on until it is stopped. */
async function placeWithScheduler(): Promise<Place> {
  const place = await placeWith();
  await place.script("bin/scheduler", `echo "$NODE" >>'${place.file("log")}'\nexec sleep 1000`);
  return place;
}

/** A node that has started the unit; it starts it anew unless the unit says that the exit code forbids it. */
function startNode(place: Place, name: string, env: Record<string, string> = {}): Running {
  assert.equal(setting("Restart"), "always");
  const final = setting("RestartPreventExitStatus").replaceAll(" ", " | ");
  const script = `while :; do
    ${inPlace(place, setting("ExecStart"))} & wait $!; code=$?
    case $code in ${final}) exit $code ;; esac
    sleep 0.1
  done`;
  return place.start(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script], {
    env: { NODE: name, ...env },
  });
}

function words(pid: number): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
  } catch {
    // It has just ended.
    return "";
  }
}

/** The sera of a node: what its first process has started, not what an earlier sera left behind. */
function seraOf(node: Running): number {
  const [first] = children(node.pid);
  return children(first!).find((pid) => words(pid).includes(" forever "))!;
}

/** Whether a scheduler runs on a node. */
function leads(node: Running): boolean {
  return descendants(node.pid).some((pid) => words(pid).startsWith("sleep 1000"));
}

/** Resolves when these have led, one after the other, and the other node waits for the last of them. */
async function ledBy(place: Place, ...names: string[]): Promise<void> {
  await until(`${names} lead`, async () => await place.read("log") === names.map((name) => `${name}\n`).join(""));
  await until("the other waits", async () => {
    const { stdout } = await place.sera(["status", "--name", "scheduler", "--json"]);
    const { locks } = JSON.parse(stdout) as { locks: { holder: unknown; waiters: unknown[] }[] };
    return locks.length === 1 && locks[0]!.waiters.length === 1;
  });
}

testWith([pidNamespace], "a leader whose sera is killed or stopped is replaced, and queues again", async () => {
  await using place = await placeWithScheduler();
  await using one = startNode(place, "one");
  await until("one leads", async () => await place.read("log") === "one\n");
  await using two = startNode(place, "two");
  await ledBy(place, "one");

  Deno.kill(seraOf(one), "SIGKILL");
  await ledBy(place, "one", "two");
  await until("the command of the killed one is gone", () => !leads(one));
  assert.ok(leads(two));

  // As systemctl stop does with KillMode=mixed: TERM to sera alone.
  assert.equal(setting("KillMode"), "mixed");
  Deno.kill(seraOf(two), "SIGTERM");
  await ledBy(place, "one", "two", "one");
  assert.ok(leads(one) && !leads(two));
});

testWith([pidNamespace], "a node with an invalid server setting is not restarted forever", async () => {
  await using place = await placeWithScheduler();
  await using node = startNode(place, "one", { SERA_SERVER: "nonsense" });
  const { code, stderr } = await node.ended;
  assert.equal(code, 200, stderr);
});

testWith([linux, tool("systemd-analyze", "--version")], "systemd takes the leader's unit", async () => {
  await using place = await placeWithScheduler();
  const path = await place.write("scheduler.service", inPlace(place, UNIT));
  assert.deepEqual(await place.run(["systemd-analyze", "verify", path]), { code: 0, stdout: "", stderr: "" });
});
