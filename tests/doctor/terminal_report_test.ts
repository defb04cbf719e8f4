import assert from "node:assert/strict";
import { Report } from "../../lib/doctor/report.ts";
import { TerminalReport } from "../../lib/doctor/terminal_report.ts";
import { LockUnavailableError } from "../../lib/errors.ts";

/** The lines shown for checks with these results. */
async function shown(
  looks: Readonly<Record<string, "pass" | "warn" | "fail">>,
  skipped: readonly string[] = [],
  { width = 80, hasColours = false } = {},
): Promise<string> {
  let text = "";
  const person = new TerminalReport({ width, hasColours }, (more) => text += more);
  const report = new Report((check, local) => person.tell(check, local));
  for (const [name, status] of Object.entries(looks)) {
    await report.check(name, () => {
      if (status === "fail") throw new LockUnavailableError("it does not answer", "start it");
      return { found: "it is there", cure: status === "warn" ? "look at it" : undefined };
    });
  }
  report.skipRest(skipped);
  person.end(report);
  return text;
}

Deno.test("at a terminal the report ends with a summary", async () => {
  assert.equal(
    await shown({ config: "pass", lock: "pass" }),
    "pass  config       it is there\npass  lock         it is there\nA run can get its lock.\n",
  );
  const verdict = async (looks: Parameters<typeof shown>[0]) => (await shown(looks)).split("\n").at(-2);
  assert.equal(await verdict({ config: "warn" }), "A run can get its lock; 1 warning.");
  assert.equal(await verdict({ config: "warn", clock: "warn" }), "A run can get its lock; 2 warnings.");
  assert.equal(await verdict({ config: "fail" }), "A run would exit with 202: 1 check failed.");
  assert.equal(
    await verdict({ config: "fail", clock: "warn", lock: "fail" }),
    "A run would exit with 202: 2 checks failed, 1 warning.",
  );
});

Deno.test("at a terminal the checks not done are one line", async () => {
  assert.equal(
    await shown({ address: "fail" }, ["tls", "lock"]),
    "fail  address      it does not answer; start it\n" +
      "skip  not tried, since an earlier check failed: tls, lock\n" +
      "A run would exit with 202: 1 check failed.\n",
  );
});

Deno.test("at a terminal with colours the statuses have different ones", async () => {
  const coloured = await shown({ a: "pass", b: "warn", c: "fail" }, ["d"], { hasColours: true });
  const seen = coloured.replaceAll("\x1b[", "<");
  assert.deepEqual([...seen.matchAll(/^<([\d;]+)m([^<]*)<m/gm)].map(([, ...pair]) => pair), [
    ["32", "pass"],
    ["33", "warn"],
    ["31", "fail"],
    ["2", "skip"],
    ["31", "A run would exit with 202: 1 check failed, 1 warning."],
  ]);
  assert.ok(!(await shown({ a: "pass", b: "warn", c: "fail" }, ["d"])).includes("\x1b"));
});

Deno.test("at a terminal a check is wrapped between words, in a narrow one below its name", async () => {
  assert.equal(
    (await shown({ address: "fail" }, [], { width: 59 })).split("\n").slice(0, 2).join("\n"),
    "fail  address      it does not answer; start it\nA run would exit with 202: 1 check failed.",
  );
  const text = (width: number) => {
    let text = "";
    const person = new TerminalReport({ width, hasColours: false }, (more) => text += more);
    person.tell({ check: "a-long-name-of-it", status: "warn", found: "one two ".repeat(8).trim(), cure: "three" });
    return text;
  };
  assert.equal(
    text(66),
    "warn  a-long-name-of-it  one two one two one two one two one two\n" +
      `${" ".repeat(25)}one two one two one two; three\n`,
  );
  assert.equal(
    text(40),
    "warn  a-long-name-of-it  one two one two\n" +
      "      one two one two one two one two\n" +
      "      one two one two; three\n",
  );
});

Deno.test("at a terminal times are local, in the report itself in UTC", async () => {
  let text = "";
  const person = new TerminalReport({ width: 80, hasColours: false }, (more) => text += more);
  const report = new Report((check, local) => person.tell(check, local));
  await report.check("ledger", () => ({ found: "of 10:00Z", local: "of 11:00+01" }));
  assert.equal(text, "pass  ledger       of 11:00+01\n");
  assert.deepEqual(report.checks, [{ check: "ledger", status: "pass", found: "of 10:00Z" }]);
});
