/** That a place is one folder and one line in the registry: whatever asks a backend knows it then. */

import assert from "node:assert/strict";
import { addKind } from "../../../lib/backends/registry.ts";
import { lockName } from "../../../lib/lock/lock_name.ts";
import { Place } from "../../cli/place.ts";
import { inProcess, testInProcess } from "../../cli/in_process.ts";
import { until } from "../../cli/wait.ts";
import { crewContract } from "../crew_contract.ts";
import { lockContract } from "../lock_contract.ts";
import { hold, open } from "../open.ts";
import { sightingsOf } from "./holders.ts";

const SERVER = "memory:";

// For all tests of this file, which has a process of its own.
addKind({ form: SERVER, begins: /^memory:/, load: () => import("./backend.ts") });

const place = {
  test: (name: string, fn: () => Promise<void>) => Deno.test(`in memory: ${name}`, fn),
  server: () => SERVER,
  ofOneProcess: true,
} as const;

lockContract({
  ...place,
  async waiting(name, count) {
    const waiters = () => sightingsOf({ lock: name }).filter(({ state }) => state === "waiting");
    await until(`${count} waiting for ${name}`, () => waiters().length === count);
  },
});

crewContract(place);

// The shell that doctor starts, to see that one waits beside a command, ends after it.
const LATE_END = { sanitizeOps: false, sanitizeResources: false };

Deno.test("doctor reports on an unknown backend, and tries it", LATE_END, async () => {
  await using place = await Place.make(SERVER);
  const { code, stdout, stderr } = await inProcess(place, ["doctor", "--json"]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  const { ok, server, checks } = JSON.parse(stdout);
  assert.deepEqual({ ok, server }, { ok: true, server: { kind: "memory" } });
  const found = (name: string) => checks.find(({ check }: { check: string }) => check === name)?.found;
  assert.match(found("settings"), /^memory of this process; /);
  assert.match(found("lock"), /second attempt blocked/);
});

testInProcess("status shows who holds a lock on an unknown backend", async () => {
  await using place = await Place.make(SERVER);
  const free = await inProcess(place, ["status", "--name", "some key"]);
  assert.deepEqual({ ...free, stderr: "" }, { code: 1, stdout: "Free: nobody holds it.\n", stderr: "" });
  await using lock = await open(SERVER, lockName("some key"), undefined, { label: "some label" });
  await hold(lock);
  const one = await inProcess(place, ["status", "--name", "some key"]);
  assert.equal(one.code, 0, one.stderr);
  assert.match(one.stdout, new RegExp(`${Deno.pid}.*some label`));
  const all = await inProcess(place, ["status", "--json"]);
  assert.equal(JSON.parse(all.stdout).locks[0].holder.label, "some label");
});

testInProcess("a capability that a backend lacks is refused by name", async () => {
  await using place = await Place.make(SERVER);
  const refused = {
    "Cannot use --namespace with the server in SERA_SERVER: a place in memory does not support namespaces; leave it out":
      ["status", "--namespace", "n", "--name", "n"],
    "Cannot use --lease with the server in SERA_SERVER: a place in memory does not support leases; leave it out": [
      "doctor",
      "--lease",
      "--schema",
    ],
    "Cannot use --ledger-table: a place in memory has no tables; leave it out": [
      "history",
      "--ledger-table",
      "runs",
    ],
    "Cannot keep a ledger: a place in memory does not support a ledger; name another server, or leave --ledger, --once, --every and --record-skips out":
      ["history"],
  };
  for (const [message, args] of Object.entries(refused)) {
    const { stdout, stderr } = await inProcess(place, args);
    assert.deepEqual({ stdout, stderr }, { stdout: "", stderr: `sera: ${message}\n` });
  }
});

Deno.test("everything that needs a ledger is refused where there is none", LATE_END, async () => {
  await using place = await Place.make(SERVER);
  for (const args of [["history"], ["doctor", "--once", "key"], ["--once", "key", "0", "true"]]) {
    const { code, stdout, stderr } = await inProcess(place, args);
    assert.equal(code, 200);
    assert.match(
      stdout + stderr,
      /Cannot keep a ledger: a place in memory does not support a ledger; name another server, or leave --ledger, --once, --every and --record-skips out\n/,
    );
  }
});
