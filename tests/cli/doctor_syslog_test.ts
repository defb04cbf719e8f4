/** `sera doctor` where syslog is on: whether a line of a run's would reach it. */

import assert from "node:assert/strict";
import { assertChecks, read } from "./doctor_report.ts";
import { linux, mountNamespace, testWith, tool } from "./needs.ts";
import { Place } from "./place.ts";
import { PROGRAM } from "./program.ts";
import { SyslogDaemon } from "./syslog_daemon.ts";

const logger = linux ?? tool("logger", "--version");
const CHECKS = ["config", "permissions", "settings", "sources", "syslog", "folder", "lock"];

testWith([logger], "a daemon that takes lines gets one, and without syslog none", async () => {
  await using place = await Place.make();
  await using daemon = await SyslogDaemon.start(place);
  const told = read(await place.sera(["doctor", `--syslog=${daemon.path}`]));
  assertChecks(told, CHECKS);
  assert.equal(told.code, 0);
  const lines = await daemon.lines();
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /^<13>.* sera\[\d+\]: sera doctor \| This is a test\.$/);
  const without = read(await place.sera(["doctor"]));
  assertChecks(without, CHECKS.filter((check) => check !== "syslog"));
});

testWith([logger], "a daemon that is not there is warned of, and costs a run nothing", async () => {
  await using place = await Place.make();
  const flags = [`--syslog=${place.file("none")}`];
  const told = read(await place.sera(["doctor", ...flags]));
  assertChecks(told, CHECKS, { syslog: "warn" });
  assert.equal(told.code, 0);
  assert.match(
    told.checks.get("syslog")!,
    /^warn no line reaches syslog: .*none: No such file.*; start the syslog daemon/,
  );
  assert.equal((await place.sera([...flags, "0", "true"])).code, 0);
  const json = JSON.parse((await place.sera(["doctor", "--json", ...flags])).stdout);
  assert.deepEqual({ ok: json.ok, exit_code: json.exit_code }, { ok: true, exit_code: 0 });
  assert.equal(json.checks.find(({ check }: { check: string }) => check === "syslog").status, "warn");
});

testWith([logger], "a daemon that is stuck is warned of", async () => {
  await using place = await Place.make();
  await using daemon = await SyslogDaemon.start(place, "stuck");
  const told = read(await place.sera(["doctor", `--syslog=${daemon.path}`]));
  assertChecks(told, CHECKS, { syslog: "warn" });
  assert.match(told.checks.get("syslog")!, /accepts no message.*; check the syslog daemon, or turn syslog off$/);
});

testWith(
  [logger, mountNamespace],
  "a machine without logger(1), and one whose logger cannot tell, are told of",
  async () => {
    await using place = await Place.make();
    const inside = async (bind: string, says: RegExp) => {
      const script = `${bind} && exec "$@"`;
      const words = ["unshare", "--mount", "sh", "-c", script, "sh", ...PROGRAM, "doctor", "--syslog"];
      const told = read(await place.run(words));
      assert.equal(told.code, 0);
      assert.match(told.checks.get("syslog")!, says);
    };
    // A file without execute permission is not a program.
    const text = await place.write("text", "");
    await inside(
      `mount --bind ${text} "$(readlink -f /usr/bin/logger)"`,
      /^warn there is no logger\(1\).*; install it/,
    );
    const plain = await place.script(
      "plain",
      'case "$*" in *socket-errors*) echo "unrecognized option" >&2; exit 1; esac; cat >/dev/null',
    );
    await inside(
      `mount --bind ${plain} "$(readlink -f /usr/bin/logger)"`,
      /^pass .*does not report whether it arrived$/,
    );
  },
);
