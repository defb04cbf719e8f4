import assert from "node:assert/strict";
import { parseXml } from "@rgrove/parse-xml";
import { aimsOf } from "../../scripts/bench/aims.ts";
import { draw } from "../../scripts/bench/graph.ts";
import { hyperfine } from "../../scripts/bench/hyperfine.ts";
import { BenchUsageError, readOptions } from "../../scripts/bench/options.ts";
import { goSera, heimdall } from "../../scripts/bench/peers.ts";
import { PHASES, phasesOf } from "../../scripts/bench/phases.ts";
import { asText, tableText } from "../../scripts/bench/print.ts";
import type { Figure, Report, Row, Table } from "../../scripts/bench/report.ts";
import { FAR } from "../../scripts/bench/round_trips.ts";
import { inTurn, summarize } from "../../scripts/bench/rounds.ts";
import { loadedFiles } from "../../scripts/bench/sizes.ts";
import { ROOT } from "../../scripts/root.ts";
import { linux, type Need, root, testWith, tool } from "../cli/needs.ts";
import { until } from "../cli/wait.ts";
import { runScript, temporaryFolder } from "./releases.ts";

/** A tool of the bench that the other tests do not need. */
const measuring: Need = linux ?? tool("flock", "--version") ?? tool("hyperfine", "--version");

Deno.test("median and quartiles are those of the sorted values, interpolated if necessary", () => {
  assert.deepEqual(summarize([10, 30, 20, 40, 50]), { median: 30, lower: 20, upper: 40 });
  assert.deepEqual(summarize([4, 1, 3, 2]), { median: 2.5, lower: 1.75, upper: 3.25 });
  assert.deepEqual(summarize([7]), { median: 7, lower: 7, upper: 7 });
  assert.throws(() => summarize([]), /^Error: Cannot sum up: no values$/);
});

Deno.test("a ratio is the median of the rounds' ratios, so that a slow round changes nothing", () => {
  const ratio = (values: readonly number[], base: readonly number[]) => summarize(values, base).ratio;
  const base = [10, 10, 100, 10, 10];
  assert.equal(ratio(base.map((value) => 2 * value), base), 2);
  // A ratio of the medians would be 3.
  assert.equal(ratio([10, 30, 30], [10, 10, 30]), 1);
  assert.equal(ratio([1, 10, 30], [1, 1, 10]), 3);
  assert.throws(() => ratio([1], [1, 2]), /1 rounds with 2/);
});

Deno.test("contestants are measured in turn; the first round does not count, and the base is not compared with itself", async () => {
  const order: string[] = [];
  const thing = (name: string, values: number[]) => () => {
    order.push(name);
    return Promise.resolve({ time: values.shift()! });
  };
  const rows = await inTurn({ a: thing("a", [1000, 1, 2]), b: thing("b", [1000, 3, 8]) }, { rounds: 2, base: "a" });
  assert.deepEqual(order, ["a", "b", "a", "b", "a", "b"]);
  assert.deepEqual(rows, [
    { name: "a", figures: { time: { median: 1.5, lower: 1.25, upper: 1.75 } } },
    { name: "b", figures: { time: { median: 5.5, lower: 4.25, upper: 6.75, ratio: 3.5 } } },
  ]);
});

Deno.test("the first round of long measurements counts, and each of them is announced", async () => {
  const said: string[] = [];
  const thing = (values: number[]) => () => Promise.resolve({ time: values.shift()! });
  const rows = await inTurn({ a: thing([1, 3]), b: thing([2, 6]) }, {
    rounds: 2,
    long: true,
    progress: (text) => said.push(text),
  });
  assert.deepEqual(said, ["round 1 of 2: a", "round 1 of 2: b", "round 2 of 2: a", "round 2 of 2: b"]);
  assert.deepEqual(rows.map(({ figures }) => figures.time!.median), [2, 4]);
});

Deno.test("the phases of a run add up to the whole, even if they overlap or are missing", () => {
  const ends = {
    "runtime": 1010,
    "loading modules": 1013,
    "settings": 1020,
    "signals, helper shell": 1021,
    "loading the driver": 1030,
    // Connecting begins before the backend is there, and the command starts while the lock is being acquired.
    "connecting, log-in": 1027,
    "acquiring": 1040,
    "last checks": 1035,
    "spawning": 1050,
    "command": 1080,
  };
  assert.deepEqual(phasesOf({ started: 1000, ends, ended: 1100 }), {
    "runtime": 10,
    "loading modules": 3,
    "settings": 7,
    "signals, helper shell": 1,
    "loading the driver": 9,
    "connecting, log-in": 0,
    "acquiring": 10,
    "last checks": 0,
    "spawning": 10,
    "command": 30,
    "releasing": 0,
    "exit": 20,
  });
});

Deno.test("every function that ends a phase exists", async () => {
  for (const [module, target] of PHASES.flatMap(({ of }) => of)) {
    const exports: Record<string, unknown> = await import(`${ROOT}/${module}`);
    const [name, method] = target.split(".");
    const found = exports[name!];
    assert.equal(typeof found, "function", `${target} in ${module}`);
    if (method !== undefined) assert.equal(typeof Reflect.get(Object(found).prototype, method), "function", target);
  }
});

Deno.test("the modules that a run loads are listed once, without those loaded on demand", () => {
  const output = (
    bytes: number,
    entryPoint?: string,
    imports: [string, "import-statement" | "dynamic-import"][] = [],
  ) => ({
    bytes,
    ...entryPoint === undefined ? {} : { entryPoint },
    imports: imports.map(([path, kind]) => ({ path, kind })),
    exports: [],
    inputs: {},
  });
  const outputs = {
    "main.js": output(1, "main.ts", [["shared.js", "import-statement"], ["driver.js", "dynamic-import"]]),
    "shared.js": output(10),
    "driver.js": output(100, "driver.ts", [["shared.js", "import-statement"], ["node:net", "import-statement"]]),
  };
  assert.deepEqual(loadedFiles({ outputs }, ["main.ts"]), ["main.js", "shared.js"]);
  assert.deepEqual(loadedFiles({ outputs }, ["main.ts", "driver.ts"]), ["main.js", "shared.js", "driver.js"]);
  assert.throws(() => loadedFiles({ outputs }, ["gone.ts"]), /no file for: gone\.ts/);
});

testWith([measuring], "hyperfine gets words as they are, and a failure is told with them", async () => {
  const isAsGiven = `test "$1" = "$(printf 'it\\047s \\044HOME')" && sleep 0.05`;
  const { wall, processor } = await hyperfine(["sh", "-c", isAsGiven, "sh", "it's $HOME"]);
  assert.ok(wall >= 50 && processor >= 0);
  await assert.rejects(hyperfine(["sh", "-c", "exit 3"]), /^Error: Failed: sh -c exit 3: .*non-zero exit code: 3$/);
});

Deno.test("the bench says in one line that hyperfine is missing", async () => {
  const { code, stdout, stderr } = await runScript("bench.ts", ["--only", "sizes"], { PATH: "/nowhere" });
  assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
  assert.equal(stderr, "bench: Cannot time commands without hyperfine; install it: apt-get install hyperfine\n");
});

Deno.test("the bench reports in one line what it cannot do", () => {
  assert.deepEqual(readOptions([]).parts, Object.keys(partsAsked("--rounds", "1")));
  assert.deepEqual(readOptions(["--only", "sizes,overhead", "--json"]), {
    rounds: 25,
    parts: ["overhead", "sizes"],
    json: true,
    help: false,
  });
  for (
    const [args, message] of [
      [["--only", "overhead,nothing"], /^Cannot measure: --only nothing; expected some of overhead,.*sizes$/],
      [["--rounds", "0"], /^Cannot measure that often: --rounds 0; expected 1 to 9999$/],
      [["--rounds", "many"], /--rounds many/],
      [["--fast"], /^Unknown option '--fast'; see deno task bench --help$/],
      [["--only", "--json"], /^Option '--only' argument is ambiguous; see deno task bench --help$/],
      [["again"], /^Unexpected argument 'again'\..*; see deno task bench --help$/],
    ] as const
  ) {
    assert.throws(() => readOptions(args), (error) => {
      assert.ok(error instanceof BenchUsageError);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
  }
});

function partsAsked(...args: string[]): Record<string, true> {
  return Object.fromEntries(readOptions(args).parts.map((part) => [part, true]));
}

Deno.test("a table shows medians, quartiles where they differ, and ratios; a wide one is transposed", () => {
  const table: Table = {
    id: "overhead",
    title: "costs",
    base: "nothing",
    columns: [{ id: "wall", title: "wall", unit: "ms" }, { id: "gone", title: "gone", unit: "s" }],
    rows: [
      { name: "nothing", figures: { wall: { median: 20, lower: 20, upper: 20 } } },
      { name: "sera", figures: { wall: { median: 123.4, lower: 1.234, upper: 150, ratio: 1.25 } } },
    ],
  };
  assert.equal(
    tableText(table),
    `costs; ratios to nothing
         wall, ms
nothing  20.0
sera     123 [1.23 150] 1.25×
`,
  );
  const { base: _, ...alone } = table;
  const columns = ["a", "b"].map((id) => ({ id, title: id, unit: "ms" }));
  const figure = { median: 1, lower: 1, upper: 1 };
  assert.equal(
    tableText({ ...alone, columns, rows: [{ name: "sera", figures: { a: figure, b: figure } }] }),
    "costs\n       sera\na, ms  1.00\nb, ms  1.00\n",
  );
});

Deno.test("an aim is met up to its limit; unmeasured figures have no aim", () => {
  assert.deepEqual(aimsOf([]), []);
  const met = Object.fromEntries(aimsOf(sample().tables).map(({ id, of, met }) => [`${of} ${id}`, met]));
  assert.deepEqual(met, {
    "sera, file wall": true,
    "sera, file memory": false,
    "sera, file handOff": true,
    "sera, file wakeUps": true,
    "sera, file sharing": true,
    "sera, file crowd": true,
    "sera, MySQL wall": false,
    "sera, MySQL memory": true,
    "sera, MySQL handOff": false,
    "sera, MySQL wakeUps": false,
    "sera, MySQL sharing": false,
    "sera, MySQL crowd": false,
  });
  assert.deepEqual(
    aimsOf([{
      id: "roundtrips",
      title: "",
      columns: [],
      rows: [["sera, MySQL", 4.8], ["sera, MySQL, --ledger", 7.4], ["Go sera", 9]].map(([name, trips]) => ({
        name: String(name),
        figures: { trips: summarize([Number(trips)]) },
      })),
    }]).map(({ id, of, met }) => [id, of, met]),
    [["trips", "sera, MySQL", true], ["trips", "sera, MySQL, --ledger", false]],
  );
  assert.deepEqual(
    aimsOf([{
      id: "slots",
      title: "",
      columns: [],
      rows: [["sera, file", 1.3], ["sera, MySQL", 1.31]].map(([name, ratio]) => ({
        name: String(name),
        figures: { ratio: summarize([Number(ratio)]) },
      })),
    }]).map(({ id, of, met }) => [id, of, met]),
    [["slots", "sera, file", true], ["slots", "sera, MySQL", false]],
  );
  const text = asText({ ...sample(), leftOut: ["Go sera: not found"] });
  assert.match(text, /^sera, file: wall time of a run +1\.20 +aim: at most 1\.20 × the empty program's +met$/m);
  assert.match(text, /^sera, MySQL: wall time of a run +2\.10 +aim: at most 2\.00 × the empty program's +not met$/m);
  assert.match(text, /^left out: Go sera: not found$/m);
});

Deno.test("the graph is valid XML, labels everything that it shows, and is reproducible", async () => {
  const graph = await draw(sample());
  assert.equal(await draw(sample()), graph);
  const svg = parseXml(graph).root!;
  assert.equal(svg.name, "svg");
  assert.ok(svg.text.includes("prefers-color-scheme:dark"));
  const labels = [...graph.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, label]) => label!);
  for (
    const label of [
      "sera, file",
      "sera, MySQL",
      "empty &amp; &lt;program&gt;",
      "One run of true, as a multiple of the empty &amp; &lt;program&gt;; | is the aim",
      "1.20×  24 ms",
      "2.10×  42 ms",
      "1.20×  60 MiB",
      "Where the time of one run goes",
      "runtime",
      "release, exit",
      "33 ms",
      "sera, file: 22 MiB at 100",
      "sera, MySQL: 45 MiB at 100",
    ]
  ) assert.ok(labels.includes(label), `${label} in ${labels.join("|")}`);
  // One for each aim, and none for the processor time, which has none.
  assert.equal(graph.match(/aria-label="aim"/g)!.length, 4);
  assert.doesNotMatch(graph, /NaN|undefined|Infinity/);
});

Deno.test("a report without anything to draw is refused", async () => {
  await assert.rejects(draw({ ...sample(), tables: [] }), /^Error: the report has no overhead/);
});

Deno.test("a report that cannot be drawn is one line", async () => {
  await using folder = await temporaryFolder();
  await Deno.writeTextFile(`${folder.path}/broken.json`, "{");
  for (const name of ["absent.json", "broken.json"]) {
    const { code, stderr } = await runScript("bench/graph.ts", [`${folder.path}/${name}`, `${folder.path}/graph.svg`]);
    assert.equal(code, 1);
    assert.match(stderr, /^graph: Cannot draw [^\n]+; make a report with deno task bench --json\n$/);
  }
});

testWith([measuring], "the bench measures, and prints nothing but JSON", async () => {
  const { code, stdout, stderr } = await runScript("bench.ts", ["--only", "overhead,sizes", "--rounds", "1", "--json"]);
  assert.equal(code, 0, stderr);
  const report: Report = JSON.parse(stdout);
  assert.equal(report.rounds, 1);
  assert.match(report.machine.join(), /^sera \d.*Linux \d/);
  assert.deepEqual(report.tables.map(({ id }) => id), ["overhead", "sizes"]);
  const rows = new Map(report.tables[0]!.rows.map(({ name, figures }) => [name, figures]));
  for (const name of ["empty program", "sera, file", "flock(1)"]) {
    for (const column of ["wall", "processor", "memory"]) {
      const { median, lower, upper } = rows.get(name)?.[column] ?? assert.fail(`${name}: ${column}`);
      assert.ok(0 < lower && lower <= median && median <= upper, `${name}: ${column}: ${median}`);
    }
  }
  // Whatever the machine is like: a sera is more than nothing, and flock is no JavaScript.
  assert.ok(rows.get("sera, file")!.memory!.median > rows.get("flock(1)")!.memory!.median);
  assert.ok(rows.get("sera, file")!.wall!.ratio! > rows.get("flock(1)")!.wall!.ratio!);
  assert.deepEqual(report.aims.filter(({ of }) => of === "sera, file").map(({ id }) => id), ["wall", "memory"]);
});

testWith([measuring], "the bench leaves nothing behind when it is interrupted", async () => {
  await using folder = await temporaryFolder();
  // The servers run as another user.
  await Deno.chmod(folder.path, 0o755);
  const bench = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", `${ROOT}/scripts/bench.ts`, "--only", "staircase"],
    env: { TMPDIR: folder.path },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const stderr = bench.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  while (!said.includes("staircase:")) {
    const { value } = await stderr.read();
    assert.ok(value, said);
    said += value;
  }
  const folders = () => [...Deno.readDirSync(folder.path)].map(({ name }) => name);
  assert.equal(folders().filter((name) => name.startsWith("sera-bench-")).length, 1, said);
  bench.kill("SIGINT");
  const { code } = await bench.status;
  await stderr.cancel();
  assert.equal(code, 130, said);
  await until("nothing is left", () => folders().length === 0);
});

testWith([measuring], "the bench tells how many round trips a run takes, and that each takes its time", async () => {
  const args = ["--only", "roundtrips", "--rounds", "1", "--json"];
  const { code, stdout, stderr } = await runScript("bench.ts", args);
  assert.equal(code, 0, stderr);
  const { tables: [table], aims }: Report = JSON.parse(stdout);
  for (const { name, figures } of table!.rows) {
    const [counted, far] = [figures.counted!.median, figures.far!.median];
    assert.ok(Number.isInteger(counted) && counted > 0, name);
    // Neither a connection to the proxy nor all of MySQL's greeting takes its time.
    assert.ok(far > (counted - 2) * FAR, `${name}: ${far} ms for ${counted}`);
  }
  const own = table!.rows.map(({ name }) => name).filter((name) => name.startsWith("sera, "));
  assert.deepEqual(aims.map(({ of }) => of), own.filter((name) => name !== "sera, etcd, --ledger"));
});

testWith([root], "what sera replaces is compared where it is in PATH, and is not sera itself", async () => {
  await using folder = await temporaryFolder();
  const path = Deno.env.get("PATH")!;
  const program = async (name: string, code: number) => {
    await Deno.writeTextFile(`${folder.path}/${name}`, `#!/bin/sh\nexit ${code}\n`, { mode: 0o755 });
  };
  const words = async () => [(await goSera())?.("a:b@tcp(h)/"), (await heimdall())?.("postgres://h")];
  try {
    Deno.env.set("PATH", folder.path);
    assert.deepEqual(await words(), [undefined, undefined]);
    await program("sera", 0);
    assert.deepEqual(await words(), [undefined, undefined]);
    await program("sera", 201);
    await program("heimdall", 1);
    const [sera, other] = await words();
    assert.deepEqual(sera?.slice(-3), ['{"server":"a:b@tcp(h)/"}', "sera", "0"]);
    assert.deepEqual(other?.slice(0, 3), ["heimdall", "--database", "postgres://h"]);
  } finally {
    Deno.env.set("PATH", path);
  }
});

Deno.test("the bench exits with 2 for an unknown argument", async () => {
  const { code, stdout, stderr } = await runScript("bench.ts", ["--only", "everything"]);
  assert.equal(code, 2);
  assert.equal(stdout, "");
  assert.match(stderr, /^bench: Cannot measure: --only everything; expected some of [a-z,]+\n$/);
});

/** A small report, in which the file lock reaches its aims but one, and MySQL misses them but one. */
function sample(): Report {
  const exactly = (value: number, ratio?: number): Figure => ({
    median: value,
    lower: value,
    upper: value,
    ...ratio === undefined ? {} : { ratio },
  });
  const row = (name: string, values: Readonly<Record<string, number>>): Row => ({
    name,
    figures: Object.fromEntries(Object.entries(values).map(([column, value]) => [column, exactly(value)])),
  });
  const ratios = (name: string, wall: number, processor: number, memory: number): Row => ({
    name,
    figures: {
      wall: exactly(20 * wall, wall),
      processor: exactly(20 * processor, processor),
      memory: exactly(50 * memory, memory),
    },
  });
  const table = (id: Table["id"], rows: Row[]): Table => ({
    id,
    title: id,
    columns: Object.keys(rows[0]!.figures).map((column) => ({ id: column, title: column, unit: "" })),
    rows,
  });
  const tables = [
    {
      ...table("overhead", [
        row("empty & <program>", { wall: 20, processor: 20, memory: 50 }),
        ratios("sera, file", 1.2, 1.3, 1.2),
        ratios("sera, MySQL", 2.1, 2, 1.5),
      ]),
      base: "empty & <program>",
    },
    table("start", [
      row("empty & <program>", { runtime: 20, exit: 2 }),
      row("sera, file", { "runtime": 20, "loading modules": 5, "acquiring": 5, "exit": 3 }),
    ]),
    table("handoff", [
      row("sera, file", { delay: 4 }),
      row("sera, MySQL", { delay: 4.1 }),
      row("flock(1)", { delay: 1 }),
    ]),
    table("staircase", [
      row("sera, file, 1 waiter", { memory: 36, alone: 50, wakeUps: 0, took: 0.1, aim: 0.2 }),
      row("sera, file, 100 waiters", { memory: 22, alone: 50, wakeUps: 0.1, took: 5, aim: 10.1 }),
      row("sera, MySQL, 100 waiters", { memory: 45, alone: 50, wakeUps: 0.11, took: 10.2, aim: 10.1 }),
    ]),
  ];
  return { machine: ["sera 1.0.0", "compiled"], rounds: 1, leftOut: [], tables, aims: aimsOf(tables) };
}
