import assert from "node:assert/strict";
import { namespacedName } from "../../lib/lock/namespaced_name.ts";
import { startStandby } from "../servers/postgres_standby.ts";
import { inProcess, type InProcessOptions, testInProcess } from "./in_process.ts";
import { mountNamespace } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { fnv1, SharedPostgres } from "./postgres.ts";
import { startImpatient } from "./impatient.ts";
import type { ProgramOptions } from "./program.ts";
import type { Ended, Running } from "./running.ts";
import { waitersOnPostgres } from "./targets.ts";
import { until } from "./wait.ts";

const postgres = new SharedPostgres();

/** Runs `sera heimdall` to its end; libpq's variables lead it to the server. */
function heimdall(place: Place, args: readonly string[], options: ProgramOptions = {}): Promise<Ended> {
  return place.sera(["heimdall", ...args], inEnvironment(options));
}

/** For a program that goes on for as long as the test takes; without it a program has five seconds. */
const ENDLESS = ["--timeout", "0"];

/** Starts `sera heimdall`; dispose of it. */
function startHeimdall(place: Place, args: readonly string[], options: ProgramOptions = {}): Running {
  return place.startSera(["heimdall", ...args], inEnvironment(options));
}

function inEnvironment(options: ProgramOptions): ProgramOptions {
  return { ...options, env: { SERA_SERVER: undefined, ...postgres.variables, ...options.env } };
}

const RAN: Ended = { code: 0, stdout: "ran\n", stderr: "" };
const WITHOUT_VARIABLES = Object.fromEntries(
  ["HOST", "PORT", "USER", "PASSWORD", "DATABASE"].map((name) => [`PG${name}`, undefined]),
);

async function assertBusy(place: Place, args: readonly string[] = []): Promise<void> {
  const { code, stdout, stderr } = await heimdall(place, [...args, "echo", "ran"]);
  assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
  assert.match(stderr, /^sera: Lock not acquired: somebody else holds it[^\n]*\n$/);
}

const CODES: Record<string, number> = {
  "exit 0": 0,
  "exit 1": 1,
  "exit 42": 42,
  "exit 143": 143,
  "exit 204": 204,
  "exit 255": 255,
  "kill -9 $$": 137,
  "kill -15 $$": 143,
};

for (const [script, code] of Object.entries(CODES)) {
  postgres.test(`heimdall exits as the program does: ${script}`, async () => {
    await using place = await Place.make();
    assert.deepEqual(await heimdall(place, ["sh", "-c", script]), { code, stdout: "", stderr: "" });
  });
}

interface Failure {
  readonly args: readonly string[];
  readonly env?: Record<string, string>;
  readonly says: RegExp;
}

/** Errors before the server is contacted. */
const REFUSALS: Record<string, Failure> = {
  "no program": { args: [], says: /No program to run; usage: sera heimdall \[flags\] PROGRAM/ },
  "no program after the flags": { args: ["--name", "x", "--"], says: /No program/ },
  "a flag of sera's own": {
    args: ["--verbose", "touch", "ran"],
    says: /--verbose; it is a flag of sera, not of heimdall, see sera heimdall --help/,
  },
  "a flag without its value": { args: ["--name"], says: /needs a value: --name/ },
  "a flag that is not a boolean": { args: ["--debug=perhaps", "touch", "ran"], says: /perhaps/ },
  "a timeout that is no number": {
    args: ["--timeout", "soon", "touch", "ran"],
    says: /timeout: soon; expected seconds/,
  },
  "a negative timeout": { args: ["--timeout", "-1", "touch", "ran"], says: /timeout: -1; expected seconds/ },
  "an empty timeout": { args: ["--timeout=", "touch", "ran"], says: /timeout: ""; expected seconds/ },
  "a database that is no PostgreSQL": {
    args: ["--database", "u:hidden@tcp(127.0.0.1:3306)/", "touch", "ran"],
    says: /PostgreSQL/,
  },
  "a parameter that is unknown": {
    args: ["--database", "postgres://u:hidden@127.0.0.1/x?nonsense=1", "touch", "ran"],
    says: /nonsense/,
  },
};

const FAILURES: Record<string, Failure> = {
  "an unknown flag": {
    args: ["--nmae", "x", "touch", "ran"],
    says: /--nmae; did you mean --name\? See sera heimdall --help/,
  },
  "a program that does not exist": { args: ["no-such-program"], says: /no-such-program/ },
  "a server that cannot be reached": { args: ["touch", "ran"], env: { PGPORT: "1" }, says: /tcp\(127\.0\.0\.1:1\)/ },
  "a wrong password": { args: ["touch", "ran"], env: { PGPASSWORD: "wrong" }, says: /check user and password/ },
  "a database that does not exist": {
    args: ["--database", "dbname=missing", "touch", "ran"],
    says: /"missing" does not exist/,
  },
};

async function assertFails(
  run: (args: readonly string[], options: InProcessOptions) => Promise<Ended>,
  { args, env, says }: Failure,
  place: Place,
): Promise<void> {
  const options = inEnvironment({ env, cwd: place.path });
  const { code, stdout, stderr } = await run(["heimdall", ...args], options);
  assert.deepEqual({ code, stdout }, { code: 1, stdout: "" }, stderr);
  assert.match(stderr, /^sera: [^\n]+\n$/);
  assert.match(stderr, says);
  assert.doesNotMatch(stderr, /hidden|wrong|Unexpected error/);
  await assert.rejects(Deno.lstat(place.file("ran")), Deno.errors.NotFound);
}

for (const [what, refusal] of Object.entries(REFUSALS)) {
  testInProcess(`${what} is 1 for heimdall, with one line on stderr, and nothing runs`, async () => {
    await using place = await Place.make();
    await assertFails((args, options) => inProcess(place, args, options), refusal, place);
  }, [postgres.need]);
}

for (const [what, failure] of Object.entries(FAILURES)) {
  postgres.test(`${what} is 1 for heimdall, with one line on stderr, and nothing runs`, async () => {
    await using place = await Place.make();
    await assertFails((args, options) => place.sera(args, options), failure, place);
  });
}

postgres.test("heimdall does not wait for a held lock, and exits with 1 at once", async () => {
  await using place = await Place.make();
  await using holder = startHeimdall(place, [...ENDLESS, fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  await assertBusy(place);
  assert.equal((await heimdall(place, ["--name", "other", "echo", "ran"])).code, 0);
  assert.equal((await heimdall(place, ["--namespace", "other", "echo", "ran"])).code, 0);
  await holder.closeStdin();
  assert.equal((await holder.ended).code, 0);
  assert.deepEqual(await heimdall(place, ["echo", "ran"]), RAN);
});

postgres.test("a lost lock stops heimdall's program, and is 1", async () => {
  await using place = await Place.make();
  await using run = startHeimdall(place, [...ENDLESS, fixture("report.sh"), "program"]);
  await run.says("program ready");
  await postgres.server.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'sera %'",
  );
  const { code, stdout, stderr } = await run.ended;
  assert.deepEqual({ code, stdout }, { code: 1, stdout: "program ready\nprogram TERM\n" });
  // The script's shell may tell of its child's end, too.
  assert.match(stderr.replace("Terminated\n", ""), /^sera: Lock lost: [^\n]*; stopping [^\n]*\n/);
});

for (const [signal, code] of Object.entries({ TERM: 143, INT: 130 })) {
  postgres.test(`SIG${signal} is passed on to heimdall's program; heimdall exits with ${code} once it is reaped`, async () => {
    await using place = await Place.make();
    const script = `trap 'echo stopping; until [ -e go ]; do sleep 0.02; done; exit 7' ${signal}
      echo ready; while :; do sleep 0.02; done`;
    await using run = startHeimdall(place, [...ENDLESS, "sh", "-c", script], { cwd: place.path });
    await run.says("ready");
    run.kill(`SIG${signal}` as Deno.Signal);
    await run.says("stopping");
    await assertBusy(place);
    assert.equal(run.over, false);
    await place.write("go", "");
    const ended = await run.ended;
    assert.deepEqual([ended.code, ended.stdout], [code, "ready\nstopping\n"]);
    assert.doesNotMatch(ended.stderr, /sera:/);
    assert.deepEqual(await heimdall(place, ["echo", "ran"]), RAN);
  });

  postgres.test(`SIG${signal} while heimdall connects is ${code}, and nothing runs`, async () => {
    await using place = await Place.make();
    using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const port = `${(silent.addr as Deno.NetAddr).port}`;
    await using run = startHeimdall(place, ["echo", "ran"], { env: { PGPORT: port } });
    using _connection = await silent.accept();
    run.kill(`SIG${signal}` as Deno.Signal);
    assert.deepEqual(await run.ended, { code, stdout: "", stderr: "" });
  });
}

postgres.test("by default a program may run for 5 s, with --timeout 0 without a limit", async () => {
  await using place = await Place.make();
  await using endless = startHeimdall(place, ["--name", "x", ...ENDLESS, fixture("hold.sh")], { stdin: "open" });
  await endless.says("ready");
  const began = performance.now();
  await using limited = startHeimdall(place, [fixture("report.sh"), "program"]);
  const { code, stdout, stderr } = await limited.ended;
  const took = performance.now() - began;
  assert.deepEqual({ code, stdout }, { code: 1, stdout: "program ready\nprogram TERM\n" });
  // The script's shell may tell of its child's end, too.
  assert.match(
    stderr.replace("Terminated\n", ""),
    /^sera: The program ran longer than 5s \(--timeout\); stopping [^\n]*report\.sh\n/,
  );
  assert.ok(took >= 5000, `${took} ms`);
  assert.equal(endless.over, false);
  await endless.closeStdin();
  assert.deepEqual(await endless.ended, { code: 0, stdout: "ready\n", stderr: "" });
});

postgres.test("a program that takes its time to stop keeps heimdall's lock until it is reaped", async () => {
  await using place = await Place.make();
  await using run = startHeimdall(place, ["-timeout=1", fixture("slow_to_stop.sh"), place.file("go")]);
  await run.says("stopping");
  await assertBusy(place);
  assert.equal(run.over, false);
  await place.write("go", "");
  assert.equal((await run.ended).code, 1);
  assert.deepEqual(await heimdall(place, ["echo", "ran"]), RAN);
});

postgres.test("a program that ignores SIGTERM after its timeout is killed, then the lock is free", async () => {
  await using place = await Place.make();
  const script = 'trap "" TERM; echo ready; while :; do sleep 0.02; done; echo not reached';
  const words = ["heimdall", "--timeout", "100ms", "sh", "-c", script];
  await using run = startImpatient(place, words, inEnvironment({}));
  await run.says("stopping sh");
  // As quick as can be: the program has two seconds.
  assert.equal((await postgres.locks()).length, 1);
  assert.equal(run.over, false);
  const { code, stdout } = await run.ended;
  assert.deepEqual({ code, stdout }, { code: 1, stdout: "ready\n" });
  assert.deepEqual(await heimdall(place, ["echo", "ran"]), RAN);
});

const FORMS: ((name: string, value: string) => string[])[] = [
  (name, value) => [`--${name}`, value],
  (name, value) => [`-${name}`, value],
  (name, value) => [`--${name}=${value}`],
  (name, value) => [`-${name}=${value}`],
];

for (const form of FORMS) {
  postgres.test(`heimdall reads its flags from: ${form("flag", "value").join(" ")}`, async () => {
    await using place = await Place.make();
    const flags = Object.entries({
      database: postgres.server.url(),
      namespace: "space",
      name: "Grüße",
      timeout: "60",
    });
    const args = flags.flatMap(([name, value]) => form(name, value));
    await using run = startHeimdall(place, [...args, fixture("hold.sh")], { stdin: "open", env: WITHOUT_VARIABLES });
    await run.says("ready");
    assert.deepEqual(await postgres.locks(), [{
      classid: fnv1("space"),
      objid: fnv1("Grüße"),
      objsubid: 2,
      mode: "ExclusiveLock",
      database: "sera",
    }]);
    await run.closeStdin();
    assert.equal((await run.ended).code, 0);
    assert.deepEqual(await postgres.locks(), []);
  });
}

postgres.test("by default heimdall's lock is the pair of heimdall and heimdall", async () => {
  await using place = await Place.make();
  await using run = startHeimdall(place, [...ENDLESS, fixture("hold.sh")], { stdin: "open" });
  await run.says("ready");
  assert.equal(fnv1("heimdall"), "1421297779");
  const expected = { classid: "1421297779", objid: "1421297779", objsubid: 2, mode: "ExclusiveLock", database: "sera" };
  assert.deepEqual(await postgres.locks(), [expected]);
});

for (const first of [[], ["--"], ["--name", "x"], ["--name", "x", "--"]]) {
  postgres.test(`the words after heimdall's program are its own: ${[...first, "PROGRAM"].join(" ")}`, async () => {
    await using place = await Place.make();
    const words = ["--timeout", "-1", "--", "-debug", "--help", "a  b", "", "$HOME", "*"];
    const { code, stdout, stderr } = await heimdall(place, [...first, "printf", "[%s]\\n", ...words]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.equal(stdout, words.map((word) => `[${word}]\n`).join(""));
  });
}

postgres.test("heimdall's database may be a URL or libpq's keywords, which the variables complete", async () => {
  await using place = await Place.make();
  const { server, keywords, variables } = postgres;
  const nowhere = { PGHOST: "127.0.0.1", PGPORT: "1", PGUSER: "nobody", PGPASSWORD: "wrong", PGDATABASE: "missing" };
  for (const database of [server.url(), keywords]) {
    for (const env of [WITHOUT_VARIABLES, nowhere]) {
      assert.deepEqual(await heimdall(place, ["--database", database, "echo", "ran"], { env }), RAN, database);
    }
  }
  for (const database of ["", "postgres://", "postgresql:///sera", "dbname=sera", "user=sera"]) {
    assert.deepEqual(await heimdall(place, ["--database", database, "echo", "ran"]), RAN, database);
  }
  await server.query("CREATE DATABASE other OWNER sera");
  const args = ["--database", "dbname=other", ...ENDLESS, fixture("hold.sh")];
  await using run = startHeimdall(place, args, { stdin: "open", env: variables });
  await run.says("ready");
  assert.deepEqual((await postgres.locks()).map(({ database }) => database), ["other"]);
});

postgres.test("the output of heimdall's program appears at once, and it reads stdin", async () => {
  await using place = await Place.make();
  const script = 'echo first; read line; echo "second $line"; echo trouble >&2';
  await using run = startHeimdall(place, [...ENDLESS, "sh", "-c", script], { stdin: "open" });
  await run.says("first\n");
  assert.deepEqual([run.over, run.stdout], [false, "first\n"]);
  await run.write("line\n");
  assert.deepEqual(await run.ended, { code: 0, stdout: "first\nsecond line\n", stderr: "trouble\n" });
});

postgres.test("1 MB passes through heimdall unchanged in both directions", async () => {
  await using place = await Place.make();
  // The numbers make every block another one.
  const text = Array.from({ length: 2 ** 17 }, (_, i) => `${10_000_000 + i}`.slice(1) + "\n").join("");
  assert.equal(text.length, 2 ** 20);
  const { code, stdout, stderr } = await heimdall(place, ["cat"], { stdin: { text } });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  assert.ok(stdout === text, `${stdout.length} bytes`);
});

postgres.test("with --debug heimdall logs to stderr, otherwise nothing", async () => {
  await using place = await Place.make();
  for (const flag of ["--debug", "-debug", "--debug=true", "-debug=1"]) {
    const { code, stdout, stderr } = await heimdall(place, [flag, "echo", "ran"]);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "ran\n" });
    const lines = stderr.trimEnd().split("\n");
    assert.deepEqual(lines.slice(0, 2), [
      "Lock acquired: 1421297779,1421297779.",
      "Command finished with exit code 0.",
    ]);
    assert.match(lines[2]!, /^Lock released, held for .+\.$/);
    assert.equal(lines.length, 3);
  }
  for (const flags of [[], ["--debug=false"], ["-debug=0"]]) {
    assert.deepEqual(await heimdall(place, [...flags, "echo", "ran"]), RAN);
  }
});

postgres.test("heimdall never shows the password", async () => {
  await using place = await Place.make();
  const { host, port } = postgres.server;
  const password = "hunter2marker";
  const databases = [
    `postgres://sera:${password}@${host}:${port}/sera`,
    `postgres://sera@${host}:${port}/sera?password=${password}`,
    `postgres://sera:${password}@${host}:${port}/sera?sslmode=perhaps`,
    `postgres://sera:${password}@${host}:1/sera`,
    `postgres://sera:${password}@[${host}/sera`,
    `host=${host} port=${port} user=sera password=${password}`,
    `host=${host} port=${port} user=sera password='${password}`,
    `sera:${password}@tcp(${host})/`,
    password,
    "",
  ];
  for (const database of databases) {
    const args = ["--debug", "--database", database, "echo", "ran"];
    const { code, stdout, stderr } = await heimdall(place, args, { env: { PGPASSWORD: password } });
    assert.deepEqual({ code, stdout }, { code: 1, stdout: "" }, database);
    assert.match(stderr, /^sera: [^\n]+\n$/);
    assert.ok(!stderr.includes(password), stderr);
  }
});

postgres.test("heimdall ignores sera's variables", async () => {
  await using place = await Place.make();
  const env = {
    SERA_SERVER: "nonsense",
    SERA_CONFIG: "/nonexistent",
    SERA_VERBOSE: "loud",
    SERA_SYSLOG: "nonsense",
    SERA_LOG_FORMAT: "xml",
    SERA_TLS_CA: "/nonexistent",
    SERA_NAME: "other",
    SERA_NAMESPACE: "other",
    SERA_WAIT_AND_SKIP: "perhaps",
    SERA_LEASE: "true",
  };
  await using run = startHeimdall(place, [...ENDLESS, fixture("hold.sh")], { stdin: "open", env });
  await run.says("ready");
  assert.deepEqual((await postgres.locks()).map(({ classid, objid }) => [classid, objid]), [
    [fnv1("heimdall"), fnv1("heimdall")],
  ]);
  assert.deepEqual(await postgres.server.query("SELECT to_regclass('sera_leases') AS leases"), [{ leases: null }]);
  await run.closeStdin();
  assert.deepEqual(await run.ended, { code: 0, stdout: "ready\n", stderr: "" });
});

postgres.test("heimdall ignores /etc/sera.json", async () => {
  await using place = await Place.make();
  await Deno.mkdir(place.file("etc"));
  const mount = 'mount --bind "$0" /etc && exec sera heimdall echo ran';
  for (const text of ["{", '{"server": "file:", "verbose": true, "namespace": "other"}']) {
    await place.write("etc/sera.json", text);
    const words = ["unshare", "--mount", "sh", "-c", mount, place.file("etc")];
    assert.deepEqual(await place.run(words, inEnvironment({})), RAN);
  }
}, [mountNamespace]);

postgres.test("heimdall and sera --namespace --name exclude each other", async () => {
  await using place = await Place.make(postgres.server.url());
  const names = ["--namespace", "N", "--name", "L"];
  {
    await using holder = startHeimdall(place, [...names, ...ENDLESS, fixture("hold.sh")], { stdin: "open" });
    await holder.says("ready");
    assert.equal((await place.sera([...names, "0", "true"])).code, 204);
    assert.equal((await place.sera(["--namespace", "N", "0", "true"])).code, 0);
    assert.equal((await place.sera(["--name", "L", "0", "true"])).code, 0);
    await using waiter = place.startSera([...names, "180", "echo", "ran"]);
    await until("it waits", async () => await waitersOnPostgres(postgres.server, namespacedName("N", "L")) === 1);
    await holder.closeStdin();
    assert.deepEqual(await waiter.ended, RAN);
  }
  await using holder = place.startSera([...names, "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  await assertBusy(place, names);
  assert.deepEqual(await heimdall(place, ["echo", "ran"]), RAN);
});

postgres.test("heimdall refuses a standby, and names the flag that allows it", async () => {
  await using place = await Place.make();
  await using standby = await startStandby(postgres.server);
  const words = ["--database", standby.url(), "echo", "ran"];
  const refused = await heimdall(place, words);
  assert.deepEqual({ code: refused.code, stdout: refused.stdout }, { code: 1, stdout: "" });
  assert.match(refused.stderr, /^sera: [^\n]+is a standby[^\n]+, or allow it with --allow-unsafe-server\n$/);
  const taken = await heimdall(place, ["--allow-unsafe-server", ...words]);
  assert.deepEqual(taken, { code: 0, stdout: "ran\n", stderr: "" });
});

testInProcess("flags before heimdall are 201, with a hint", async () => {
  await using place = await Place.make();
  for (const flags of [["--verbose"], ["--server", postgres.server.url()], ["--"]]) {
    const { code, stdout, stderr } = await inProcess(place, [...flags, "heimdall", "echo", "ran"]);
    assert.deepEqual({ code, stdout }, { code: 201, stdout: "" });
    assert.match(stderr, /^sera: [^\n]*write sera heimdall \[flags\] PROGRAM[^\n]*\n$/);
  }
}, [postgres.need]);

const JSON_RUNS: readonly [args: readonly string[], code: number, last: string][] = [
  [["true"], 0, "released"],
  [["sh", "-c", "exit 7"], 7, "released"],
  [["sh", "-c", "kill -9 $$"], 137, "released"],
  [["--timeout=100ms", "sleep", "600"], 1, "released"],
  [["/nonexistent/command"], 1, "error"],
  [["--timeout=never", "true"], 1, "error"],
  [["--database=postgres://u@127.0.0.1:1/x", "true"], 1, "error"],
];

postgres.test("with SERA_LOG_FORMAT=json each line is an object, and the exit code in it is heimdall's", async () => {
  await using place = await Place.make();
  const env = { SERA_LOG_FORMAT: "json" };
  const linesOf = ({ stderr }: Ended) => stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
  for (const [args, code, last] of JSON_RUNS) {
    const ended = await heimdall(place, ["--debug", ...args], { env });
    assert.equal(ended.code, code, ended.stderr);
    const lines = linesOf(ended);
    for (const { exit_code } of lines) assert.ok([undefined, code].includes(exit_code), ended.stderr);
    assert.deepEqual([lines.at(-1).event, lines.at(-1).exit_code], [last, code], ended.stderr);
  }
  await using run = startHeimdall(place, ["--debug", ...ENDLESS, "sh", "-c", "echo ready; exec sleep 600"], { env });
  await run.says("ready");
  const busy = await heimdall(place, ["true"], { env });
  assert.deepEqual(linesOf(busy).map(({ event, exit_code }) => [event, exit_code]), [["busy", 1]]);
  run.kill("SIGTERM");
  const ended = await run.ended;
  assert.equal(ended.code, 143);
  assert.deepEqual(linesOf(ended).at(-1).exit_code, 143);
});

postgres.test("heimdall and sera detect that they run inside their own lock", async () => {
  await using place = await Place.make();
  const reason = /^sera: Cannot wait for the lock of heimdall: the outer sera [^\n]+\n$/;
  const inner = await place.run(["sera", "heimdall", "sera", "heimdall", "echo", "ran"], inEnvironment({}));
  assert.deepEqual([inner.code, inner.stdout], [1, ""]);
  assert.match(inner.stderr, reason);
  const flags = ["--server", postgres.keywords, "--namespace", "heimdall", "--name", "heimdall"];
  const words = ["sera", "heimdall", "sera", ...flags, "180", "echo", "ran"];
  const sera = await place.run(words, inEnvironment({}));
  assert.deepEqual([sera.code, sera.stdout], [201, ""]);
  assert.match(sera.stderr, reason);
});
