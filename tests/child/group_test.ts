import assert from "node:assert/strict";
import { livingOf, targetState } from "../../lib/child/group.ts";
import { linux, type Need, root, testWith, tool } from "../cli/needs.ts";
import { Running } from "../cli/running.ts";
import { until } from "../cli/wait.ts";

const env = { PATH: Deno.env.get("PATH") };

/** Starts a command in a group of its own; it ends when its stdin does. */
function startGroup(script: string): Running {
  return new Running(["setsid", "sh", "-c", script], { env, stdin: "open" });
}

/** Defines a test. Once a process has been started, sera listens for the ends of its children for good. */
function test(needs: readonly Need[], name: string, fn: () => Promise<void>): void {
  testWith(needs, name, fn, { sanitizeOps: false, sanitizeResources: false });
}

const setsid = linux ?? tool("setsid", "true");

test([setsid], "a group's members are all told, with their user, and nobody else", async () => {
  await using run = startGroup("sleep 60 >/dev/null & echo child $!; read -r _; kill $!");
  await run.says(/child \d+\n/);
  const child = Number(/\d+/.exec(run.stdout)![0]);
  const uid = Deno.uid()!;
  assert.equal(targetState(-run.pid), "reachable");
  const living = await livingOf(-run.pid);
  assert.deepEqual(
    living!.toSorted((a, b) => a.pid - b.pid),
    [{ pid: run.pid, uid }, { pid: child, uid }]
      .toSorted((a, b) => a.pid - b.pid),
  );
  assert.deepEqual(await livingOf(run.pid), [{ pid: run.pid, uid }]);
  await run.closeStdin();
  await run.ended;
});

test([setsid], "a zombie is there, but does not live", async () => {
  const file = await Deno.makeTempFile();
  const child = 'echo "child $$"; while [ -e "$0" ]; do sleep 0.02; done';
  // sleep(1) reaps no children.
  await using run = new Running(["sh", "-c", 'setsid sh -c "$0" "$1" & exec sleep 60', child, file], { env });
  await run.says(/child \d+\n/);
  await until("it is sleep", () => Deno.readTextFileSync(`/proc/${run.pid}/comm`) === "sleep\n");
  const pid = Number(/\d+/.exec(run.stdout)![0]);
  assert.ok((await livingOf(-pid))!.some((member) => member.pid === pid));
  await Deno.remove(file);
  await until("it has ended", async () => (await livingOf(-pid))?.length === 0);
  assert.equal(targetState(-pid), "reachable");
  assert.equal(targetState(pid), "reachable");
  assert.deepEqual(await livingOf(pid), []);
});

test([setsid], "a name with spaces, parentheses and line breaks deceives nobody", async () => {
  const name = "a) Z 1 1\n1 (b";
  await using run = startGroup(
    `printf '%s' '${name}' >/proc/self/comm; printf '%s' '${name}' >/proc/$$/comm; echo ready; read -r _`,
  );
  await run.says("ready");
  assert.deepEqual((await livingOf(-run.pid))!.map(({ pid }) => pid), [run.pid]);
  await run.closeStdin();
  await run.ended;
});

test([root ?? setsid], "the user of another user's process is told", async () => {
  await using run = new Running(["setsid", "setpriv", "--reuid=4242", "sh", "-c", "echo ready; read -r _"], {
    env,
    stdin: "open",
  });
  await run.says("ready");
  assert.deepEqual(await livingOf(-run.pid), [{ pid: run.pid, uid: 4242 }]);
  await run.closeStdin();
  await run.ended;
});

test([linux], "nobody is there when all have been reaped", async () => {
  await using run = new Running(["true"], { env });
  await run.ended;
  assert.equal(targetState(run.pid), "nobody");
  assert.equal(targetState(-run.pid), "nobody");
  assert.equal(await livingOf(-run.pid), undefined);
});
