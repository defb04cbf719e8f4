import assert from "node:assert/strict";
import { type Check, FIX_AND_RETRY, Report, textOf, warning } from "../../lib/doctor/report.ts";
import { ConfigError, LockUnavailableError } from "../../lib/errors.ts";
import { ExitCode } from "../../lib/exit_codes.ts";

/** A report, and the lines that it printed. */
function report(): { report: Report; lines: string[] } {
  const lines: string[] = [];
  return { report: new Report((check) => void lines.push(textOf(check))), lines };
}

Deno.test("findings pass, those with a cure are warnings, and neither changes the exit code", async () => {
  const { report: made, lines } = report();
  assert.equal(await made.check("tls", () => ({ found: "in use" })), true);
  assert.equal(await made.check("clock", () => Promise.resolve({ found: "behind", cure: "set it" })), true);
  assert.deepEqual(lines, ["pass  tls          in use\n", "warn  clock        behind; set it\n"]);
  assert.equal(made.exitCode, ExitCode.ok);
});

Deno.test("the first failure decides the exit code, and each failure says what to do", async () => {
  const { report: made, lines } = report();
  const failing = [
    () => Promise.reject(new ConfigError("Cannot use ttl")),
    () => Promise.reject(new LockUnavailableError("Cannot lock", "start the server", { transient: true })),
    () => Promise.reject(new LockUnavailableError("Cannot lock")),
  ];
  for (const look of failing) assert.equal(await made.check("settings", look), false);
  assert.deepEqual(lines, [
    `fail  settings     Cannot use ttl; ${FIX_AND_RETRY}\n`,
    "fail  settings     Cannot lock; start the server (meanwhile sera keeps retrying until <wait> expires)\n",
    "fail  settings     Cannot lock; check the server, its log and the network\n",
  ]);
  assert.equal(made.exitCode, ExitCode.badConfig);
});

Deno.test("an unexpected error is not reported as a finding", async () => {
  const { report: made, lines } = report();
  await assert.rejects(made.check("lock", () => Promise.reject(new TypeError("a bug"))), TypeError);
  assert.deepEqual(lines, []);
});

Deno.test("a check that no run needs cannot fail: it warns why it could not be done", async () => {
  const { report: made, lines } = report();
  const trouble = new LockUnavailableError("Cannot lock on db: denied", "grant it", { why: "db: denied" });
  await made.checkOptional("version", () => Promise.reject(trouble));
  assert.deepEqual(lines, ["warn  version      could not be checked: db: denied; grant it\n"]);
  assert.equal(made.exitCode, ExitCode.ok);
});

Deno.test("checks that were not done are listed, those that were done are not", async () => {
  const { report: made, lines } = report();
  await made.check("address", () => ({ found: "known" }));
  made.skipRest(["address", "lock"]);
  assert.deepEqual(made.checks.map(({ check, status }) => [check, status]), [["address", "pass"], ["lock", "skip"]]);
  assert.equal(lines.at(-1), "skip  lock         not tried, since an earlier check failed\n");
});

Deno.test("a server's message cannot add a line", async () => {
  const { report: made, lines } = report();
  await made.check("version", () => ({ found: "1.0\npass  lock", cure: "\x1b[31mred" }));
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /^[ -~]+\n$/);
});

/** What a report prints for a check that throws. */
async function failed(error: Error, inform = false): Promise<Check> {
  const report = new Report(() => undefined);
  const look = () => Promise.reject(error);
  if (inform) await report.checkOptional("lock", look);
  else await report.check("lock", look, "look there");
  return report.checks[0]!;
}

Deno.test("the finding and the cure are kept whole, whatever a server says", async () => {
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

Deno.test("an error without a cure gets a general one", async () => {
  const error = LockUnavailableError.on("Server", { what: "no; ask Bob" }, { transient: true });
  const { found, cure } = await failed(error);
  assert.equal(found, "Cannot lock on Server: no; ask Bob");
  assert.equal(cure, "look there (meanwhile sera keeps retrying until <wait> expires)");
  assert.equal((await failed(error, true)).cure, "check the server, its log and the network");
  assert.equal((await failed(new ConfigError("wrong"))).cure, FIX_AND_RETRY);
  assert.deepEqual(warning({ what: "odd; really" }), { found: "odd; really", cure: FIX_AND_RETRY });
});
