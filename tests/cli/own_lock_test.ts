/** A sera in the command of another one that holds the same lock would wait for itself. */

import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { linux, testWith, tool } from "./needs.ts";
import { Place } from "./place.ts";
import { FILE, type Target, testOn, useTargets, waitersForFile } from "./targets.ts";
import { lendMariaDb } from "../servers/pool.ts";
import { until } from "./wait.ts";

const REASON =
  /^sera: Cannot wait for the lock of n: the outer sera \(process \d+\) holds it [^\n]+; remove one of these seras, [^\n]*\n$/;

const INNER = ["sera", "--name", "n"];

const targets = useTargets();

for (const target of targets) {
  testOn(target, `a sera inside its own lock on ${target.name} is refused, whatever the mode`, async () => {
    await using started = await target.start();
    const { place } = started;
    const env = { SERA_SERVER_TOO: started.server };
    const modes = [["forever"], ["0"], ["--wait-and-skip", "60"], ["--wait-and-skip", "0"], ["--once", "k", "60"]];
    for (const mode of modes) {
      // A server with a password is taken out of the environment.
      const inner = 'SERA_SERVER=$SERA_SERVER_TOO; export SERA_SERVER; exec "$@"';
      const words = ["sh", "-c", inner, "sh", ...INNER, ...mode, "echo", "ran"];
      const ended = await place.run([...INNER, "0", ...words], { env });
      assert.deepEqual([ended.code, ended.stdout], [201, ""], ended.stderr);
      assert.match(ended.stderr, REASON);
    }
  });
}

testOn(FILE, "seras with other locks between the two do not hide it, and a lock below is not one above", async () => {
  await using place = await Place.make();
  const between = ["sera", "--name", "m", "0", "sh", "-c", '"$@"; exit $?', "sh", "sera", "--name", "o", "0"];
  const { code, stderr } = await place.run([...INNER, "0", ...between, ...INNER, "60", "true"]);
  assert.equal(code, 201);
  assert.match(stderr, REASON);
  // The one in the middle has ended before.
  const twice = await place.run([...INNER, "0", "sh", "-c", "sera --name m 0 true && sera --name m 0 echo ran"]);
  assert.deepEqual(twice, { code: 0, stdout: "ran\n", stderr: "" });
});

testOn(FILE, "the same name on another server is another lock", async () => {
  await using place = await Place.make();
  const other = `file:${place.file("other")}`;
  const ended = await place.run([...INNER, "0", ...INNER, "--server", other, "0", "echo", "ran"]);
  assert.deepEqual(ended, { code: 0, stdout: "ran\n", stderr: "" });
  // Another run holds that one.
  await using holder = place.startSera(["--name", "n", "--server", other, "0", "sh", "-c", "echo ready; read _"], {
    stdin: "open",
  });
  await holder.says("ready");
  const busy = await place.run([...INNER, "0", ...INNER, "--server", other, "0", "echo", "ran"]);
  assert.deepEqual(busy, { code: 204, stdout: "", stderr: "" });
});

testWith([linux, tool("setsid", "true")], "who has left the sera above waits for its turn", async () => {
  await using place = await Place.make();
  const daemon = `setsid -f sera --name n 60 sh -c 'echo late >${place.file("ran")}'`;
  // One that outlives it, and one that finds it still there.
  for (const rest of ["", "; until [ -e waits ]; do sleep 0.02; done"]) {
    await using outer = place.start([...INNER, "0", "sh", "-c", daemon + rest], { cwd: place.path });
    if (rest !== "") {
      await until("the daemon waits", () => waitersForFile(`${place.locks}/${lockName("n")}.lock`) === 1);
      await place.write("waits", "");
    }
    assert.equal((await outer.ended).code, 0);
    await until("it has run", async () => await place.read("ran") === "late\n");
    await Deno.remove(place.file("ran"));
  }
});

testWith([linux], "a variable that lies, or is nonsense, refuses nobody", async () => {
  await using place = await Place.make();
  const name = lockName("n");
  await using holder = place.startSera(["--name", "n", "0", "sh", "-c", "echo ready; read _"], { stdin: "open" });
  await holder.says("ready");
  const address = encodeURIComponent(place.server);
  const lies = [
    "nonsense",
    `${name}:${holder.pid}:999999999:${address}`,
    `${name}:${Deno.pid}:999999999:${address}`,
    `${name}:x:y:z`,
    `::: ${name}`,
    " ",
  ];
  for (const SERA_HELD_LOCKS of lies) {
    const { code } = await place.sera(["--name", "n", "0", "true"], { env: { SERA_HELD_LOCKS } });
    assert.equal(code, 204, SERA_HELD_LOCKS);
  }
});

testWith([linux], "without the variable nothing can be told, and it waits as for anybody", async () => {
  await using place = await Place.make();
  const words = ["env", "-i", `SERA_SERVER=${place.server}`, `PATH=${place.path}/bin:${Deno.env.get("PATH")}`];
  const home = Deno.env.get("DENO_DIR") ?? `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`}/deno`;
  const { code } = await place.run([...INNER, "0", ...words, `DENO_DIR=${home}`, ...INNER, "100ms", "true"]);
  assert.equal(code, 204);
});

/** Runs a sera in the command of another one, which finds the outer one's variable changed by a sed script. */
async function inside(target: Target, change: string, words: readonly string[], server = "same"): Promise<number> {
  await using started = await target.start();
  const other = server === "same" ? started.server : started.server.replace("127.0.0.1", server);
  const script = `SERA_HELD_LOCKS=$(echo "$SERA_HELD_LOCKS" | sed '${change}'); export SERA_HELD_LOCKS; exec "$@"`;
  const inner = [...INNER.slice(0, 1), "--server", other, ...INNER.slice(1), ...words, "echo", "ran"];
  const { code, stdout, stderr } = await started.place.run([...INNER, "0", "sh", "-c", script, "sh", ...inner]);
  assert.equal(stdout, "");
  if (code === 201) assert.match(stderr, REASON);
  return code;
}

for (const target of targets.filter((target) => target !== FILE)) {
  testOn(target, `the server's address may be spelled in another way on ${target.name}`, async () => {
    for (const words of [["0"], ["forever"]]) assert.equal(await inside(target, "", words, "localhost"), 201);
  });
}

for (const target of targets.filter(({ inSession }) => inSession)) {
  testOn(target, `a session of the same number on another server is none of its own on ${target.name}`, async () => {
    assert.equal(await inside(target, "s/[^:]*$/another/", ["0"]), 204);
  });

  testOn(target, `another session at the same address is none of its own on ${target.name}`, async () => {
    assert.equal(await inside(target, "s/:[0-9]*\\(:[^:]*\\)$/:999999\\1/", ["0"]), 204);
  });

  testOn(target, `an entry of an older sera, without a session, goes by the address on ${target.name}`, async () => {
    assert.equal(await inside(target, "s/:[0-9]*:[^:]*$//", ["0"]), 201);
  });
}

for (const target of targets.filter(({ name }) => name.startsWith("PostgreSQL"))) {
  testOn(
    target,
    `heimdall inside its own lock is refused however the address is spelled on ${target.name}`,
    async () => {
      await using started = await target.start();
      const heimdall = (server: string) => ["sera", "heimdall", "--timeout", "0", "--database", server];
      const inner = [...heimdall(started.server.replace("127.0.0.1", "localhost")), "echo", "ran"];
      const { code, stdout, stderr } = await started.place.run([...heimdall(started.server), ...inner]);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, /^sera: Cannot wait for the lock of heimdall: the outer sera [^\n]+\n$/);
    },
  );
}

testOn(targets.find(({ name }) => name === "MariaDB")!, "a socket is the same server as an address", async () => {
  await using server = new AsyncDisposableStack();
  const lent = await lendMariaDb();
  server.defer(() => lent.stop());
  await using place = await Place.make(lent.dsn());
  const socket = `${lent.user}:${lent.password}@unix(${lent.folder}/mysql.sock)/`;
  const { code, stdout, stderr } = await place.run([
    ...INNER,
    "0",
    "sera",
    "--server",
    socket,
    ...INNER.slice(1),
    "0",
    "echo",
    "ran",
  ]);
  assert.deepEqual([code, stdout], [201, ""]);
  assert.match(stderr, REASON);
});
