/** Tries what docs/monitoring.md says. */

import assert from "node:assert/strict";
import { parse } from "yaml";
import { linux, testWith } from "../cli/needs.ts";
import { Place } from "../cli/place.ts";
import { metricsOf } from "../../lib/who/metrics.ts";
import { readExposition } from "../text/read_exposition.ts";
import { readCrontab } from "./crontab.ts";
import { fileExample, page, tableUnder } from "./markdown.ts";

const PAGE = page("docs/monitoring.md");
const FOLDER = "/var/lib/prometheus/node-exporter";

/** The metrics that there are. */
const METRICS = metricsOf([], true, 1).map(({ name }) => name);

testWith(
  [linux],
  "the line for cron leaves a whole file and nothing else, also when the server does not answer",
  async () => {
    await using place = await Place.make();
    await Deno.mkdir(place.file("collector"));
    const { jobs: [job] } = readCrontab(fileExample("/etc/cron.d/sera-metrics", PAGE));
    const command = job!.command.replace(FOLDER, place.file("collector"));
    assert.notEqual(command, job!.command);
    assert.equal((await place.sera(["--ledger", "--name", "n", "0", "true"])).code, 0);
    const files = () => [...Deno.readDirSync(place.file("collector"))].map(({ name }) => name);
    assert.deepEqual(await place.shell(command), { code: 0, stdout: "", stderr: "" });
    const whole = await place.read("collector/sera.prom");
    assert.equal([...readExposition(whole).get("sera_run_last_exit_code")!.values()][0], 0);
    const env = { SERA_SERVER: "postgres://sera@127.0.0.1:1/x" };
    assert.match((await place.shell(command, { env })).stderr, /^sera: Cannot ask PostgreSQL[^\n]*\n$/);
    assert.deepEqual(files(), ["sera.prom"]);
    assert.equal(await place.read("collector/sera.prom"), whole);
  },
);

Deno.test("the table has each metric, and the alerts use existing metrics", () => {
  const table = tableUnder("### The metrics", PAGE).map(([name]) => name!.replaceAll("`", ""));
  assert.deepEqual(table.toSorted(), METRICS.toSorted());
  const { groups: [{ rules }] } = parse(fileExample("/etc/prometheus/rules/sera.yml", PAGE));
  assert.equal(rules.length, 2);
  // As a run has it that has no label of its own.
  const [, job] = /^ {4}sera history --succeeded-within \w+ -- (\S+)$/m.exec(PAGE.text)!;
  assert.ok(rules[0].expr.includes(`{label="${job}"}`), rules[0].expr);
  for (const { alert, expr, annotations } of rules) {
    assert.match(alert, /^[A-Z]\w+$/);
    for (const [name] of expr.matchAll(/\bsera_\w+/g)) assert.ok(METRICS.includes(name), name);
    assert.ok(!annotations || /\{\{ \$labels\.label \}\}/.test(annotations.summary));
  }
});
