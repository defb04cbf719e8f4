/** Tries the examples of docs/ as they stand there, with commands of the place's own in the folders that they name. */

import assert from "node:assert/strict";
import { parse } from "yaml";
import { linux, pidNamespace, testWith, tool } from "../cli/needs.ts";
import { Place } from "../cli/place.ts";
import { ROOT } from "../../scripts/root.ts";
import { readCrontab } from "./crontab.ts";
import { inPlace, installScript, placeWith } from "./in_place.ts";
import { examples, fileExample, page, pages } from "./markdown.ts";

const EXAMPLES = page("docs/examples.md");
const shellcheck = tool("shellcheck", "--version");

Deno.test("the examples expect sera where install.sh puts it, and cron finds it there", () => {
  const installer = Deno.readTextFileSync(`${ROOT}/scripts/install.sh`);
  const [, prefix] = /^ {4}prefix=(\/\S+)$/m.exec(installer)!;
  const [, below] = /bin_dir=\$prefix(\/\w+)$/m.exec(installer)!;
  const folder = `${prefix}${below}`;
  const crontabs = pages().flatMap(examples).filter(({ language }) => language === "crontab");
  assert.ok(crontabs.length >= 7, `only ${crontabs.length} crontabs were found`);
  for (const { text } of crontabs) assert.ok(readCrontab(text).variables["PATH"]?.split(":").includes(folder), text);
  // Only the image, which Kubernetes starts, has it elsewhere.
  const outside = examples(EXAMPLES).filter(({ text }) => !/^(kind|apiVersion):/m.test(text));
  const paths = outside.flatMap(({ text }) => text.match(/\/\S*\/sera(?=\s)/g) ?? []);
  assert.deepEqual([...new Set(paths)], [`${folder}/sera`]);
});

testWith([linux], "the lines for cron are well formed, and their commands run as often as they should", async () => {
  const commands = ["nightly-report", "rotate-logs", "sync-prices", "monthly-invoices"];
  await using place = await placeWith(...commands);
  const { variables, jobs } = readCrontab(fileExample("/etc/cron.d/sera-jobs", EXAMPLES));
  assert.match(variables.PATH!, /(^|:)\/usr\/local\/bin(:|$)/);
  for (let round = 0; round < 2; round++) {
    for (const { command } of jobs) {
      assert.deepEqual(await place.shell(inPlace(place, command)), { code: 0, stdout: "", stderr: "" });
    }
  }
  // The last two ran before.
  assert.deepEqual((await place.read("log")).trim().split("\n"), [...commands, ...commands.slice(0, 2)]);
});

testWith([linux], "the lines for cron on a whole fleet are well formed, and run with a shorter pause", async () => {
  await using place = await placeWith("nightly-report", "trim-disks");
  const { jobs } = readCrontab(fileExample("/etc/cron.d/sera-fleet", EXAMPLES));
  for (let round = 0; round < 2; round++) {
    for (const { command } of jobs) {
      assert.match(command, /--splay \d+m /);
      const shorter = inPlace(place, command).replace(/(--splay \d+m) /, "$1s ");
      assert.deepEqual(await place.shell(shorter), { code: 0, stdout: "", stderr: "" });
    }
  }
  assert.equal(await place.read("log"), "nightly-report\ntrim-disks\ntrim-disks\n");
});

testWith([linux, tool("systemd-analyze", "--version")], "systemd takes the units, and the service runs", async () => {
  await using place = await placeWith("nightly-report");
  const paths = [];
  for (const name of ["nightly-report.service", "nightly-report.timer"]) {
    paths.push(await place.write(name, inPlace(place, fileExample(`/etc/systemd/system/${name}`, EXAMPLES))));
  }
  assert.deepEqual(await place.run(["systemd-analyze", "verify", ...paths]), { code: 0, stdout: "", stderr: "" });
  const [, start] = /^ExecStart=(.*)$/m.exec(await place.read("nightly-report.service"))!;
  assert.deepEqual(await place.shell(start!), { code: 0, stdout: "", stderr: "" });
  assert.equal(await place.read("log"), "nightly-report\n");
});

/** As far as the tests look into Kubernetes' objects. */
interface Container {
  readonly command: string[];
  readonly args: string[];
  readonly env: { readonly name: string; readonly value?: string }[];
}

/** Runs a container's command as process 1, with what Kubernetes would put in the place of $(NAME). */
function runContainer(place: Place, { command, args, env }: Container) {
  const values = Object.fromEntries(env.flatMap(({ name, value }) => value === undefined ? [] : [[name, value]]));
  const expand = (word: string) => word.replaceAll(/\$\((\w+)\)/g, (_, name: string) => values[name]!);
  const words = [...command, ...args].map((word) => inPlace(place, expand(word)));
  return place.run(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", ...words], { env: values });
}

const inContainer = [pidNamespace, tool("tini", "--version")];

testWith(inContainer, "the CronJob's container runs its command, once in its time", async () => {
  await using place = await placeWith("nightly-report");
  const { apiVersion, kind, spec } = parse(fileExample("cronjob.yaml", EXAMPLES));
  assert.deepEqual([apiVersion, kind], ["batch/v1", "CronJob"]);
  readCrontab(`${spec.schedule} nobody true`);
  const [container] = spec.jobTemplate.spec.template.spec.containers;
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(await runContainer(place, container), { code: 0, stdout: "", stderr: "" });
  }
  assert.equal(await place.read("log"), "nightly-report\n");
});

testWith(inContainer, "the init container migrates once for a version, also with several pods", async () => {
  await using place = await placeWith("migrate");
  const { apiVersion, kind, spec } = parse(fileExample("deployment.yaml", EXAMPLES));
  assert.deepEqual([apiVersion, kind], ["apps/v1", "Deployment"]);
  const [container] = spec.template.spec.initContainers;
  const pods = await Promise.all(Array.from({ length: spec.replicas }, () => runContainer(place, container)));
  for (const pod of pods) assert.deepEqual(pod, { code: 0, stdout: "", stderr: "" });
  assert.equal(await place.read("log"), "migrate\n");
});

testWith([linux], "the deploy script runs under its lock, and knows its arguments", async () => {
  await using place = await Place.make();
  const path = await installScript(place, "deploy", fileExample("/usr/local/bin/deploy", EXAMPLES));
  const { code, stdout, stderr } = await place.run([path, "1.42.0"], { cwd: place.path });
  assert.deepEqual([code, stdout], [0, "live: 1.42.0\n"], stderr);
  assert.match(stderr, /lock/i);
  assert.equal(await Deno.readLink(place.file("current")), "releases/1.42.0");
  assert.match((await place.run([path], { cwd: place.path })).stderr, /usage: deploy VERSION/);
});

testWith([linux], "the start script migrates once, starts after that, and not after a failure", async () => {
  await using place = await placeWith("migrate", "serve");
  const path = await installScript(place, "start", fileExample("/usr/local/bin/start-shop", EXAMPLES));
  const start = (VERSION: string) => place.run([path], { env: { VERSION } });
  assert.deepEqual(await start("1"), { code: 0, stdout: "migrated to 1\n", stderr: "" });
  assert.deepEqual(await start("1"), { code: 0, stdout: "already migrated to 1\n", stderr: "" });
  assert.equal(await place.read("log"), "migrate\nserve\nserve\n");
  await place.script("bin/migrate", "exit 7");
  const stderr = "could not be migrated (7), not starting\n";
  assert.deepEqual(await start("2"), { code: 1, stdout: "", stderr });
  assert.equal(await place.read("log"), "migrate\nserve\nserve\n");
});

testWith([linux], "the playbook's commands do what its conditions expect", async () => {
  await using place = await placeWith("migrate");
  const [{ tasks }] = parse(fileExample("deploy.yml", EXAMPLES));
  const [copy, doctor, migrate] = tasks;
  assert.equal(copy["ansible.builtin.copy"].mode, "0640");
  const argv = (task: Record<string, { argv: string[] }>) =>
    task["ansible.builtin.command"]!.argv.map((word) => inPlace(place, word.replace("{{ version }}", "1.42.0")));
  assert.equal((await place.run(argv(doctor))).code, 0);
  const codes = [];
  for (let round = 0; round < 2; round++) codes.push((await place.run(argv(migrate))).code);
  assert.deepEqual(codes, [0, 205]);
  assert.equal(migrate.failed_when, `migration.rc not in [${codes.join(", ")}]`);
  assert.equal(migrate.changed_when, "migration.rc == 0");
});

testWith([linux], "a command that flock(1) starts by the documented line excludes sera", async () => {
  await using place = await Place.make();
  const text = examples(page("docs/file.md"))[0]!.text.replace("/run/sera", place.locks)
    .replace("some-other-command", "sera 0 ls -ltra");
  await place.sera(["0", "true"]);
  assert.deepEqual(await place.shell(text), { code: 204, stdout: "", stderr: "" });
});

const scripts = ["docs/examples.md", "docs/coming-from.md", "docs/file.md"].flatMap((path) =>
  examples(page(path)).filter(({ language }) => language === "sh").map(({ text }) => ({ path, text }))
);
testWith([shellcheck], `the ${scripts.length} shell scripts have nothing that shellcheck complains of`, async () => {
  await using place = await Place.make();
  for (const { path, text } of scripts) {
    const file = await place.write("script", text);
    // Parts of a script have no first line.
    const { stdout, code } = await place.run(["shellcheck", "--shell=sh", file]);
    assert.equal(code, 0, `${path}: ${stdout}`);
  }
});
