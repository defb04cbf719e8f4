import assert from "node:assert/strict";
import { readReport } from "../../scripts/suite/outcome.ts";
import { runFile } from "../../scripts/suite/lane.ts";
import { testFiles } from "../../scripts/suite/files.ts";
import { ROOT } from "../../scripts/root.ts";

const SUITE = `${ROOT}/scripts/suite.ts`;

const GOOD = `Deno.test("good", async (t) => { await t.step("a step", () => {}); });
Deno.test.ignore("ignored", () => {});
console.log("left out: something: there is no such thing");`;
const BAD = `Deno.test("bad", () => { throw new Error("the reason"); });
Deno.test("good", () => {});`;
const DYING = `Deno.test("dies", () => Deno.kill(Deno.pid, "SIGKILL"));`;
const LATE = `Deno.test.afterAll(() => { throw new Error("too late"); });
Deno.test("good", () => {});`;
const UNLOADABLE = `throw new Error("not loaded");`;

/** Runs the suite on files of these texts. */
async function suite(...texts: string[]): Promise<{ code: number; said: string }> {
  const folder = await Deno.makeTempDir({ prefix: "sera-suite-" });
  try {
    for (const [index, text] of texts.entries()) await Deno.writeTextFile(`${folder}/${index}_test.ts`, text);
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", SUITE, folder],
      // Nothing is built, and nothing is started either.
      env: { NO_COLOR: "1", SERA_TEST_BINARY: "/bin/true" },
    });
    const { code, stdout, stderr } = await command.output();
    const [said, complained] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, said: `${said}${complained}` };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The last line, as `deno test` words it; `.ci/run` counts by it. */
function summary(said: string): string | undefined {
  return /^(?:ok|FAILED) \| .*(?= \(\d+s\)$)/m.exec(said)?.[0];
}

Deno.test("the suite sums up passed tests, and lists the ignored ones", async () => {
  const { code, said } = await suite(GOOD, `Deno.test("another", () => {});`);
  assert.equal(code, 0, said);
  assert.equal(summary(said), "ok | 2 passed | 0 failed | 1 ignored");
  assert.match(said, /left out: something: there is no such thing/);
  assert.match(said, /slowest tests:\n(.*\n)*.*: another\n/);
});

for (
  const [what, text, passed, again] of [
    ["a test that fails", BAD, 2, "bad\n(?: {4}.*\n)*.*the reason"],
    ["a process that ends without a word", DYING, 1, "outside of its tests\n"],
    ["a file that cannot be loaded", UNLOADABLE, 1, "outside of its tests\n(?: {4}.*\n)*.*not loaded"],
    ["what fails after the last test", LATE, 2, "outside of its tests\n(?: {4}.*\n)*.*too late"],
  ] as const
) {
  Deno.test(`the suite fails for ${what}, but runs the other files`, async () => {
    const { code, said } = await suite(text, GOOD);
    assert.equal(code, 1, said);
    assert.equal(summary(said), `FAILED | ${passed} passed | 1 failed | 1 ignored`, said);
    // So that it is found at the end of a long log.
    assert.match(said, new RegExp(`\nthe failures again:\n  [^\n]*/0_test.ts: ${again}`), said);
  });
}

Deno.test("the suite shows the output of a failed test", async () => {
  assert.match((await suite(BAD, GOOD)).said, /FAIL [^\n]*: 1 passed, 1 failed(.*\n)+.*the reason/);
});

Deno.test("a test file that hangs is killed, and counts as failed", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sera-suite-" });
  try {
    const path = `${folder}/hanging_test.ts`;
    await Deno.writeTextFile(path, `Deno.test("hangs", () => new Promise(() => setInterval(() => {}, 1000)));`);
    const shared = { folder, env: {}, options: [], signal: new AbortController().signal };
    const { outcome, output } = await runFile(path, "", shared, 3000);
    assert.deepEqual([outcome.passed, outcome.failures.length], [0, 1]);
    assert.match(output, /^ended after 3 s: a test hangs$/m);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the suite runs nothing that does not compile", async () => {
  const { code, said } = await suite(`const text: number = "text";`, GOOD);
  assert.equal(code, 1);
  assert.match(said, /TS2322/);
  assert.doesNotMatch(said, /passed/);
});

Deno.test("a file that is not a test is reported in one line", async () => {
  const said = await Promise.all([["tests/no_test.ts"], ["docs"]].map(async (args) => {
    const command = new Deno.Command(Deno.execPath(), { args: ["run", "--quiet", "-A", SUITE, ...args] });
    const { code, stderr } = await command.output();
    return [code, new TextDecoder().decode(stderr)];
  }));
  assert.deepEqual(said, [
    [2, "scripts/test: there is no tests/no_test.ts; give files or folders of tests\n"],
    [2, "scripts/test: there are no tests in docs; their files end in _test.ts\n"],
  ]);
});

Deno.test("a file that runs alone, or starts early, gives a reason", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sera-suite-" });
  try {
    await Deno.writeTextFile(`${folder}/quiet_test.ts`, "// Runs alone: it counts.\n");
    await Deno.writeTextFile(`${folder}/shared_test.ts`, `const text = "x".repeat(1000); // Runs alone: not so.\n`);
    await Deno.writeTextFile(`${folder}/slow_test.ts`, "// Starts early: it waits.\n");
    await Deno.writeTextFile(`${folder}/helper.ts`, "// Runs alone: no test.\n");
    const files = await testFiles([folder]);
    assert.deepEqual(files.map(({ path, alone }) => [path.split("/").at(-1), alone]), [
      ["slow_test.ts", false],
      ["shared_test.ts", false],
      ["quiet_test.ts", true],
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a report's tests are counted without their steps", () => {
  const xml = `<testsuites><testsuite name="f">
    <testcase name="a" time="1.5"/><testcase name="b"><skipped/></testcase>
    <testcase name="c &amp; d"><failure message="m">text</failure></testcase>
    <testcase name="a &gt; step" time="1"/><testcase name="x &gt; y" time="0.1"/>
  </testsuite></testsuites>`;
  const { passed, failures, ignored, tests } = readReport("f", xml);
  assert.deepEqual({ passed, ignored }, { passed: 2, ignored: 1 });
  assert.deepEqual(failures, [{ file: "f", name: "c & d", reason: "text" }]);
  assert.deepEqual(tests[0], { file: "f", name: "a", seconds: 1.5 });
});
