import assert from "node:assert/strict";
import { type Check, Report, textOf, warning } from "../../lib/doctor/report.ts";
import { ConfigError, LockUnavailableError } from "../../lib/errors.ts";

/** What a report says of a check that throws. */
async function failed(error: Error, inform = false): Promise<Check> {
  const report = new Report(() => undefined);
  const look = () => Promise.reject(error);
  if (inform) await report.inform("lock", look);
  else await report.check("lock", look, "look there");
  return report.checks[0]!;
}

Deno.test("what was found and the cure stay whole, whatever a server says", async () => {
  const error = LockUnavailableError.on("Server", { what: "no; ask Bob; or not", cure: "ask; or wait" });
  const found = "Cannot lock on Server: no; ask Bob; or not";
  assert.deepEqual(await failed(error), { check: "lock", status: "fail", found, cure: "ask; or wait" });
  assert.deepEqual(await failed(error, true), {
    check: "lock",
    status: "warn",
    found: "could not be checked: Server: no; ask Bob; or not",
    cure: "ask; or wait",
  });
  assert.equal(textOf(await failed(error)), `fail  lock         ${found}; ask; or wait\n`);
});

Deno.test("where an error has no cure, there is one all the same", async () => {
  const error = LockUnavailableError.on("Server", { what: "no; ask Bob" }, { transient: true });
  const { found, cure } = await failed(error);
  assert.equal(found, "Cannot lock on Server: no; ask Bob");
  assert.equal(cure, "look there (meanwhile sera keeps retrying until <wait> expires)");
  assert.equal((await failed(error, true)).cure, "check the server, its log and the network");
  const ofConfig = "correct that, and run sera doctor again";
  assert.equal((await failed(new ConfigError("wrong"))).cure, ofConfig);
  assert.deepEqual(warning({ what: "odd; really" }), { found: "odd; really", cure: ofConfig });
});
