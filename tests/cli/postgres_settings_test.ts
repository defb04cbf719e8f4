import assert from "node:assert/strict";
import { inProcess, type InProcessOptions, testInProcess } from "./in_process.ts";
import { anotherUser, asNobody } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { fnv1, SharedPostgres } from "./postgres.ts";
import { PROGRAM, type ProgramOptions } from "./program.ts";
import type { Ended } from "./running.ts";

const RAN = { code: 0, stdout: "ran\n", stderr: "" };

/** Lets everybody in with the name that he has, for the tests of names. */
const postgres = new SharedPostgres({ hba: ["host trusting all 127.0.0.1/32 trust"] });

/** The classid and objid of every lock that is held while sera runs with these arguments before the wait. */
async function keysHeld(place: Place, args: readonly string[], options: ProgramOptions = {}): Promise<unknown[]> {
  await using run = place.startSera([...args, "0", fixture("hold.sh")], { ...options, stdin: "open" });
  await run.says("ready");
  const keys = (await postgres.locks()).map(({ classid, objid, objsubid }) => [classid, objid, objsubid]);
  await run.closeStdin();
  assert.deepEqual(await run.ended, { code: 0, stdout: "ready\n", stderr: "" });
  return keys;
}

/** Runs sera, which has to refuse its settings in one line on stderr. */
async function failure(place: Place, args: readonly string[], options: InProcessOptions = {}) {
  return failed(await inProcess(place, [...args, "0", "echo", "ran"], options));
}

function failed({ code, stdout, stderr }: Ended) {
  assert.equal(stdout, "");
  assert.match(stderr, /^sera: [^\n]+\n$/);
  return { code, stderr };
}

postgres.test("namespace: the variable wins over the file, and the flag over both", async () => {
  await using place = await Place.make(postgres.server.url());
  const config = await place.write("sera.json", JSON.stringify({ namespace: "from file" }));
  const args = ["--config", config, "--name", "n"];
  const env = { SERA_NAMESPACE: "from variable" };
  const pair = (namespace: string) => [[fnv1(namespace), fnv1("n"), 2]];
  assert.deepEqual(await keysHeld(place, args), pair("from file"));
  assert.deepEqual(await keysHeld(place, args, { env }), pair("from variable"));
  assert.deepEqual(await keysHeld(place, [...args, "--namespace", "from flag"], { env }), pair("from flag"));
  assert.deepEqual(await keysHeld(place, ["-namespace=Grüße", "--name", "n"]), pair("Grüße"));
});

postgres.test("in a namespace without --name the command's words are the name", async () => {
  await using place = await Place.make(postgres.server.url());
  assert.deepEqual(await keysHeld(place, ["--namespace", "n"]), [[fnv1("n"), fnv1(fixture("hold.sh")), 2]]);
});

postgres.test("a lock in a namespace differs from one without", async () => {
  await using place = await Place.make(postgres.server.url());
  const [[, , space]] = await keysHeld(place, ["--name", "n"]) as [unknown[]];
  assert.equal(space, 1);
  await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  assert.deepEqual(await place.sera(["--namespace", "n", "--name", "n", "0", "echo", "ran"]), RAN);
});

for (const server of ["file:", "sera:hidden@tcp(127.0.0.1:1)/"]) {
  testInProcess(`a namespace with ${server.slice(0, 5)} is an error that says so`, async () => {
    await using place = await Place.make(server);
    const says = (source: string) =>
      new RegExp(
        `^sera: Cannot use ${source} with the server in SERA_SERVER: (a file: server|MySQL) does not support namespaces`,
      );
    const flag = failed(await place.sera(["--namespace", "n", "0", "echo", "ran"]));
    assert.equal(flag.code, 201);
    assert.match(flag.stderr, says("--namespace"));
    const variable = await failure(place, [], { env: { SERA_NAMESPACE: "n" } });
    assert.equal(variable.code, 200);
    assert.match(variable.stderr, says("SERA_NAMESPACE"));
    const config = await place.write("sera.json", JSON.stringify({ namespace: "n" }));
    const file = await failure(place, ["--config", config]);
    assert.equal(file.code, 200);
    assert.match(file.stderr, says(`namespace in ${config}`));
  });
}

testInProcess("an empty namespace, or one that is not text, is an error", async () => {
  await using place = await Place.make("postgres://127.0.0.1:1/x");
  assert.equal((await failure(place, ["--namespace="])).code, 201);
  const config = await place.write("sera.json", JSON.stringify({ namespace: 5 }));
  const { code, stderr } = await failure(place, ["--config", config]);
  assert.equal(code, 200);
  assert.match(stderr, /namespace in .*: 5; it takes some text/);
});

testInProcess("tls-ca with an sslmode that verifies nothing is 200, with the cure", async () => {
  const says =
    /^sera: Cannot use (?:--tls-ca|SERA_TLS_CA|tls-ca in [^:]+) with the server in SERA_SERVER: its TLS setting verifies no certificate; add sslmode=verify-full/;
  for (const server of ["postgres://u:hidden@127.0.0.1:1/x", "host=127.0.0.1 port=1 user=u password=hidden"]) {
    for (const sslmode of [undefined, "disable", "allow", "prefer"]) {
      await using place = await Place.make(server);
      const ca = await place.write("ca.pem", "");
      const env = { PGSSLMODE: sslmode };
      for (const [args, variables] of [[["--tls-ca", ca], {}], [[], { SERA_TLS_CA: ca }]] as const) {
        const { code, stderr } = await failure(place, args, { env: { ...env, ...variables } });
        assert.equal(code, 200);
        assert.match(stderr, says);
        assert.doesNotMatch(stderr, /hidden/);
      }
    }
  }
});

postgres.test("libpq's variables complete what the server setting leaves out", async () => {
  await using place = await Place.make();
  const { host, port, user, password, database } = postgres.server;
  const servers: Record<string, string[]> = {
    "postgres://": ["HOST", "PORT", "USER", "PASSWORD", "DATABASE"],
    "postgresql://": ["HOST", "PORT", "USER", "PASSWORD", "DATABASE"],
    [`postgres:///${database}`]: ["HOST", "PORT", "USER", "PASSWORD"],
    [`postgres://${user}@/`]: ["HOST", "PORT", "PASSWORD", "DATABASE"],
    [`postgres://${user}:${password}@${host}:${port}`]: [],
    [`postgres://${host}:${port}/?user=${user}`]: ["PASSWORD"],
    [`dbname=${database}`]: ["HOST", "PORT", "USER", "PASSWORD"],
    [postgres.keywords]: [],
  };
  for (const [server, names] of Object.entries(servers)) {
    const variables = names.map((name) => [`PG${name}`, postgres.variables[`PG${name}`]]);
    const env = { SERA_SERVER: undefined, ...Object.fromEntries(variables) };
    assert.deepEqual(await place.sera(["--server", server, "0", "echo", "ran"], { env }), RAN, server);
  }
});

postgres.test("the server setting wins over libpq's variables", async () => {
  await using place = await Place.make(postgres.server.url());
  const env = { PGHOST: "/nonexistent", PGPORT: "1", PGUSER: "nobody", PGPASSWORD: "wrong", PGDATABASE: "missing" };
  assert.deepEqual(await place.sera(["0", "echo", "ran"], { env }), RAN);
});

postgres.test("the server may be given in libpq's keywords, as flag, variable and config key", async () => {
  await using place = await Place.make();
  const server = postgres.keywords;
  const config = await place.write("sera.json", JSON.stringify({ server }));
  const none = { SERA_SERVER: undefined };
  for (
    const [args, env] of [[["--server", server], none], [[], { SERA_SERVER: server }], [["--config", config], none]]
  ) {
    const keys = await keysHeld(place, [...args as string[], "--namespace", "n", "--name", "n"], {
      env: env as typeof none,
    });
    assert.deepEqual(keys, [[fnv1("n"), fnv1("n"), 2]]);
  }
});

/** None of them can be used, and each has a password somewhere. */
const USELESS = [
  "postgres://u:hidden@127.0.0.1:port/x",
  "postgres://u:hidden@127.0.0.1:99999/x",
  "postgres://u:hidden@[::1/x",
  "postgres://u:hidden/1@127.0.0.1/x",
  "postgres://u:hid@hidden@127.0.0.1/x",
  "postgres://u:hidden%zz@127.0.0.1/x",
  "postgres://u@127.0.0.1/x?password=hidden&nonsense=1",
  "postgres://u@127.0.0.1/x?password=a&hidden",
  "postgres://u:hidden@127.0.0.1/x?sslmode=perhaps",
  "postgres://u:hidden@127.0.0.1/x?target_session_attrs=standby",
  "postgres://u:hidden@127.0.0.1/x?service=missing",
  "postgres://u:hidden@127.0.0.1/x?sslmode=verify-full&sslrootcert=/nonexistent",
  "host=127.0.0.1 user=u password=hidden nonsense=1",
  "host=127.0.0.1 user=u password='hidden",
  "host=127.0.0.1 user=u password=a hidden",
];

for (const server of USELESS) {
  testInProcess(`a server that cannot be used is 200 and keeps its secret: ${server}`, async () => {
    await using place = await Place.make(server);
    const refusals = [
      await failure(place, []),
      // To find variables that are not UTF-8 it starts another program.
      failed(await place.sera(["--verbose", "0", "echo", "ran"])),
      await failure(place, ["--server", server]),
    ];
    for (const [index, { code, stderr }] of refusals.entries()) {
      assert.equal(code, 200, stderr);
      assert.match(stderr, index === 2 ? /the server in --server: / : /the server in SERA_SERVER: /);
      assert.doesNotMatch(stderr, /hidden/);
    }
  });
}

postgres.test("a password in SERA_SERVER does not get into the command's environment", async () => {
  await using place = await Place.make();
  const { host, port, user, password, database } = postgres.server;
  const servers = [
    postgres.server.url(),
    `postgresql://${host}:${port}/${database}?user=${user}&password=${password}`,
    postgres.keywords,
    `password = '${password}' host=${host} port=${port} user=${user} dbname=${database}`,
  ];
  for (const server of servers) {
    for (const flags of [[], ["--server", place.server]]) {
      const { code, stdout } = await place.sera([...flags, "0", "env"], { env: { SERA_SERVER: server } });
      assert.equal(code, 0, server);
      assert.doesNotMatch(stdout, /SERA_SERVER=/);
      assert.ok(!stdout.includes(password), stdout);
    }
  }
});

postgres.test("a server without a password stays in the environment, and so does libpq's PGPASSWORD", async () => {
  await using place = await Place.make();
  const { host, port, user, password, database } = postgres.server;
  for (
    const server of [
      `postgres://${user}@${host}:${port}/${database}`,
      `host=${host} port=${port} user=${user} dbname=${database}`,
      "postgres://",
    ]
  ) {
    const env = { ...postgres.variables, SERA_SERVER: server };
    const { code, stdout } = await place.sera(["--name", "outer", "0", "env"], { env });
    assert.equal(code, 0);
    const lines = stdout.split("\n");
    for (const [name, value] of Object.entries(env)) {
      assert.ok(lines.includes(`${name}=${value}`), `${name}: ${stdout}`);
    }
    const nested = await place.run(["sera", "--name", "outer", "0", "sera", "--name", "inner", "0", "echo", "ran"], {
      env,
    });
    assert.deepEqual(nested, RAN);
    assert.ok(lines.includes(`PGPASSWORD=${password}`));
  }
});

postgres.test("by default the system's user logs in", async () => {
  await using place = await Place.make();
  const name = (await place.run(["id", "-un"])).stdout.trim();
  await logsInAs(name, (server) => place.sera(["--server", server, "0", "echo", "ran"], { env: { USER: "liar" } }));
});

postgres.test("the user that logs in is the one that sera runs as, not the one who called setpriv", async () => {
  await using place = await Place.make();
  const name = (await place.run(["id", "-un", "65534"])).stdout.trim();
  await logsInAs(name, (server) => {
    const words = asNobody([...PROGRAM, "--server", server, "0", "echo", "ran"]);
    return place.run(["setpriv", ...words], { env: { HOME: undefined, USER: "root" }, cwd: "/" });
  });
}, [anotherUser]);

/** The server lets every role into one database without a password; a missing role is named in its error. */
async function logsInAs(name: string, run: (server: string) => Promise<Ended>): Promise<void> {
  const { server } = postgres;
  await server.query("DROP DATABASE IF EXISTS trusting");
  await server.query("CREATE DATABASE trusting");
  const url = `postgres://${server.host}:${server.port}/trusting`;
  const { code, stdout, stderr } = await run(url);
  assert.deepEqual({ code, stdout }, { code: 202, stdout: "" });
  assert.ok(stderr.includes(`role "${name}" does not exist`), stderr);
  await server.query(`CREATE ROLE "${name}" LOGIN`);
  assert.deepEqual(await run(url), RAN);
}
