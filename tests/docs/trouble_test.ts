/** What docs/trouble.md says of exit codes, and of programs that start sera. */

import assert from "node:assert/strict";
import { parse } from "yaml";
import { ExitCode } from "../../lib/exit_codes.ts";
import { messagesOfProgram } from "../../scripts/messages.ts";
import { patternOf } from "../../scripts/messages/page.ts";
import { testWith, tool } from "../cli/needs.ts";
import { Place } from "../cli/place.ts";
import { fileExample, page, tableUnder } from "./markdown.ts";

const TROUBLE = page("docs/trouble.md");
const UNIT = fileExample("/etc/systemd/system/nightly-report.service", page("docs/examples.md"));
const DROP_IN = fileExample("/etc/systemd/system/nightly-report.service.d/sera.conf", TROUBLE);

/** The bundler's process ends shortly after it was stopped, perhaps during another test. */
const LATE_END = { sanitizeOps: false, sanitizeResources: false };

const systemd = tool("systemd-analyze", "--version");

Deno.test("the table of exit codes has each of sera's, in order", () => {
  const codes = tableUnder("## My job did not run", TROUBLE).map(([code]) => Number(code)).filter((code) =>
    !isNaN(code)
  );
  assert.deepEqual(codes, Object.values(ExitCode).toSorted((a, b) => a - b));
});

Deno.test("the causes of 206 quote sera's messages", LATE_END, async () => {
  const messages = await messagesOfProgram();
  const quoted = tableUnder("## 206: the command was stopped", TROUBLE)
    .flatMap(([says]) => [...says!.matchAll(/`([^`]+)`/g)].map(([, words]) => words!));
  assert.ok(quoted.length > 8);
  const unknown = quoted.filter((words) =>
    !messages.some(({ what }) => what.includes(words) || what.startsWith("Asked") && patternOf(what).test(words))
  );
  assert.deepEqual(unknown, []);
});

testWith([systemd], "systemd's names for sera's codes are as the page has them", async () => {
  await using place = await Place.make();
  const cells = tableUnder("### systemd", TROUBLE).flat();
  const shown = cells.filter((cell) => cell.startsWith("`")).map((cell) => /^`status=(\d+)\/(\w+)`$/.exec(cell)!);
  assert.deepEqual(
    shown.map(([, code]) => Number(code)).toSorted(),
    Object.values(ExitCode).filter((code) => code > 0),
  );
  for (const [, code, name] of shown) {
    const { stdout } = await place.run(["systemd-analyze", "exit-status", code!]);
    assert.match(stdout, new RegExp(`^${name} +${code} systemd$`, "m"));
  }
});

testWith([systemd], "systemd takes the settings for the unit of the examples", async () => {
  await using place = await Place.make();
  const program = await place.script("bin/sera", "exit 0");
  const unit = UNIT.replace(/^ExecStart=\S+/m, `ExecStart=${program}`);
  const path = await place.write("nightly-report.service", unit);
  await Deno.mkdir(place.file("nightly-report.service.d"));
  await place.write("nightly-report.service.d/sera.conf", DROP_IN);
  assert.deepEqual(await place.run(["systemd-analyze", "verify", path]), { code: 0, stdout: "", stderr: "" });
  await place.write("nightly-report.service.d/sera.conf", DROP_IN.replace("=on-failure", "=on-failing"));
  assert.match((await place.run(["systemd-analyze", "verify", path])).stderr, /on-failing/);
});

Deno.test("the Job's policy names its container, and codes for which a retry is useless", () => {
  const { apiVersion, kind, spec } = parse(fileExample("job.yaml", TROUBLE));
  assert.deepEqual([apiVersion, kind, spec.template.spec.restartPolicy], ["batch/v1", "Job", "Never"]);
  const [{ action, onExitCodes }] = spec.podFailurePolicy.rules;
  assert.equal(action, "FailJob");
  assert.equal(onExitCodes.containerName, spec.template.spec.containers[0].name);
  assert.deepEqual(onExitCodes.values, [ExitCode.badConfig, ExitCode.badArguments, ExitCode.commandNotStarted]);
});
