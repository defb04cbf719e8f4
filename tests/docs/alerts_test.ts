/** Tries the scripts of docs/examples.md that tell exit codes apart, around a real sera. */

import assert from "node:assert/strict";
import { linux, testWith, tool } from "../cli/needs.ts";
import { fixture, type Place } from "../cli/place.ts";
import { readCrontab } from "./crontab.ts";
import { inPlace, installScript, placeWith } from "./in_place.ts";
import { fileExample, page } from "./markdown.ts";

const EXAMPLES = page("docs/examples.md");
const curl = tool("curl", "--version");

/** A place with the alarm script, and a pager that notes its message. */
async function placeWithAlerts(...commands: string[]): Promise<Place> {
  const place = await placeWith(...commands);
  await place.script("bin/page", `echo "page: $*" >>'${place.file("pages")}'`);
  await installScript(place, "sera-alert", fileExample("/usr/local/bin/sera-alert", EXAMPLES));
  return place;
}

testWith([linux], "a lock that stays busy raises the alarm only where every node has to run the job", async () => {
  await using place = await placeWithAlerts();
  await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  assert.deepEqual(await place.shell("sera-alert one --name n 0 true"), { code: 204, stdout: "", stderr: "" });
  const stderr = "not run on this node, the lock stayed busy: sera --name n 0 true\n";
  assert.deepEqual(await place.shell("sera-alert each --name n 0 true"), { code: 204, stdout: "", stderr });
  assert.equal(await place.read("pages"), "");
});

testWith([linux], "a run and a skipped one raise no alarm; a failure is mailed; a stopped command pages", async () => {
  await using place = await placeWithAlerts();
  const once = (command: string, flags = "") => place.shell(`sera-alert one ${flags} 0 sh -c '${command}'`);
  assert.deepEqual(await once("exit 0", "--once 1"), { code: 0, stdout: "", stderr: "" });
  assert.deepEqual(await once("exit 0", "--once 1"), { code: 205, stdout: "", stderr: "" });
  assert.deepEqual(await once("exit 7"), { code: 7, stdout: "", stderr: "failed with 7: sera 0 sh -c exit 7\n" });
  assert.equal(await place.read("pages"), "");
  assert.equal((await once("sleep 60", "--max-run 50ms")).code, 207);
  for (const code of [206, 208]) await once(`exit ${code}`);
  const expected = [[207, "--max-run 50ms 0 sh -c sleep 60"], [206, "0 sh -c exit 206"], [208, "0 sh -c exit 208"]]
    .map(([code, words]) => `page: stopped before its end (${code}): sera ${words}\n`);
  assert.equal(await place.read("pages"), expected.join(""));
});

testWith([linux], "where sera has said what is wrong, the script adds nothing", async () => {
  await using place = await placeWithAlerts();
  const refused = {
    200: "--config /nowhere.json 0 true",
    201: "soon true",
    202: "--server postgres://sera@127.0.0.1:1/x 0 true",
    203: "0 /nowhere/program",
  };
  for (const [code, words] of Object.entries(refused)) {
    const env = code === "200" ? { SERA_SERVER: undefined } : {};
    const ended = await place.shell(`sera-alert each ${words}`, { env });
    assert.deepEqual([ended.code, ended.stdout], [Number(code), ""], ended.stderr);
    assert.match(ended.stderr, /^sera: [^\n]+\n$/);
  }
  assert.match((await place.shell("sera-alert")).stderr, /usage: sera-alert one\|each/);
});

testWith([linux], "the lines for cron with alarms run", async () => {
  await using place = await placeWithAlerts("nightly-report", "rotate-logs");
  for (const { command } of readCrontab(fileExample("/etc/cron.d/sera-alerts", EXAMPLES)).jobs) {
    assert.deepEqual(await place.shell(inPlace(place, command)), { code: 0, stdout: "", stderr: "" });
  }
  assert.equal(await place.read("log"), "nightly-report\nrotate-logs\n");
});

/** A monitor that notes the requests it gets: `POST /check/start: its text`. */
function startMonitor() {
  const seen: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, async (request) => {
    seen.push(`${request.method} ${new URL(request.url).pathname}: ${await request.text()}`);
    return new Response("OK");
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/check`,
    /** What it received since the last call. */
    take: () => seen.splice(0),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

testWith(
  [linux, curl],
  "a monitor is told of a start, a success and a failure, a busy lock and a skipped run",
  async () => {
    await using place = await placeWith("nightly-report");
    await using monitor = startMonitor();
    await installScript(place, "sera-ping", fileExample("/usr/local/bin/sera-ping", EXAMPLES));
    const node = Deno.hostname();

    const { variables, jobs: [job] } = readCrontab(fileExample("/etc/cron.d/sera-pings", EXAMPLES));
    const line = inPlace(place, job!.command).replace("https://hc-ping.com/UUID", monitor.url);
    const env = { SERA_EVERY: variables["SERA_EVERY"] };
    assert.deepEqual(await place.shell(line, { env }), { code: 0, stdout: "", stderr: "" });
    assert.deepEqual(monitor.take(), [`POST /check/start: on ${node}`, `POST /check: ran on ${node}`]);
    assert.deepEqual(await place.shell(line, { env }), { code: 205, stdout: "", stderr: "" });
    const skipped = `skipped: not run on ${node}, since it has run before`;
    assert.deepEqual(monitor.take(), [`POST /check/log: ${skipped}`]);
    assert.equal(await place.read("log"), "nightly-report\n");

    const run = (...words: string[]) => place.run(["sera-ping", monitor.url, "n", "0", ...words]);
    assert.deepEqual(await run("sh", "-c", "exit $1", "sh", "7"), { code: 7, stdout: "", stderr: "" });
    const failed = `POST /check/fail: exit code 7 on ${node}`;
    assert.deepEqual(monitor.take(), [`POST /check/start: on ${node}`, failed]);
    assert.equal((await run("/nowhere/program")).code, 127);
    assert.deepEqual(monitor.take(), [`POST /check/start: on ${node}`, failed.replace("7", "127")]);

    await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
    await holder.says("ready");
    assert.deepEqual(await run("true"), { code: 204, stdout: "", stderr: "" });
    assert.deepEqual(monitor.take(), [`POST /check/log: busy: not run on ${node}`]);
  },
);

testWith([linux, curl], "a monitor that is down costs no run", async () => {
  await using place = await placeWith("job");
  await installScript(place, "sera-ping", fileExample("/usr/local/bin/sera-ping", EXAMPLES));
  const { code, stdout, stderr } = await place.run(["sera-ping", "http://127.0.0.1:1/check", "n", "0", "job"]);
  assert.deepEqual([code, stdout], [0, ""]);
  assert.match(stderr, /^(curl: .*\n){2}$/);
  assert.equal(await place.read("log"), "job\n");
  assert.equal((await place.run(["sera-ping", "http://127.0.0.1:1/check"])).code, 201);
});
