import assert from "node:assert/strict";
import { lockName } from "../../lib/lock/lock_name.ts";
import { terminal, tool } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { SharedPostgres } from "./postgres.ts";
import type { Ended, Running } from "./running.ts";
import { waitersOnPostgres } from "./targets.ts";
import { KEY, startInTerminal } from "./terminal.ts";
import { until } from "./wait.ts";

const postgres = new SharedPostgres();

const TRIES = 3;

/** The words that wait for the lock of the tests. */
const WAITING = ["--name", "n", "60"];

/** Statements that a snapshot or a transaction of the waiter's would hold up. */
const STATEMENTS = [
  "CREATE INDEX CONCURRENTLY again ON crowd (id)",
  "REINDEX INDEX CONCURRENTLY again",
  "DROP INDEX CONCURRENTLY again",
  "VACUUM FULL crowd",
];

async function untilOneWaiter(): Promise<void> {
  await until("it waits", async () => await waitersOnPostgres(postgres.server, lockName("n")) === 1);
}

async function withWaiter(use: (place: Place, holder: Running, waiter: Running) => Promise<void>): Promise<void> {
  await using place = await Place.make(postgres.server.url());
  await using holder = place.startSera([...WAITING, fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  await using waiter = place.startSera([...WAITING, "date", "+%s%N"]);
  await untilOneWaiter();
  await use(place, holder, waiter);
}

/** When the waiter's command began, in milliseconds since 1970. */
function beganAt({ code, stdout, stderr }: Ended): number {
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  return Number(BigInt(stdout.trim()) / 1000n) / 1000;
}

/** Fails when a statement is held up. */
async function runs(sql: string): Promise<void> {
  let done = false;
  const running = postgres.server.query(sql).finally(() => done = true);
  await until(`the end of ${sql}`, () => done);
  await running;
}

postgres.test("a waiter holds up no statement of the holder's command that waits for other sessions", async () => {
  await postgres.server.query("CREATE TABLE crowd AS SELECT generate_series(1, 10000) AS id");
  await withWaiter(async (_place, holder, waiter) => {
    for (const statement of STATEMENTS) await runs(statement);
    assert.equal(waiter.over, false);
    await untilOneWaiter();
    await holder.closeStdin();
    beganAt(await waiter.ended);
  });
});

postgres.test("VACUUM removes dead rows while a waiter waits", async () => {
  await postgres.server.query("CREATE TABLE full_of_rows AS SELECT generate_series(1, 10000) AS id");
  await withWaiter(async () => {
    await postgres.server.query("DELETE FROM full_of_rows");
    // Trailing pages are truncated only if no transaction could see a row in them.
    await runs("VACUUM full_of_rows");
    assert.deepEqual(await postgres.server.query("SELECT pg_relation_size('full_of_rows')::int AS size"), [{
      size: 0,
    }]);
    await untilOneWaiter();
  });
});

postgres.test("the holder's command can do the same with psql", async () => {
  await postgres.server.query("CREATE TABLE mine (id INT); ALTER TABLE mine OWNER TO sera");
  await using place = await Place.make(postgres.server.url());
  const script = 'echo ready; read -r _; psql -qX -c "CREATE INDEX CONCURRENTLY ON mine (id)" -c "VACUUM mine"';
  const options = { stdin: "open", env: postgres.variables } as const;
  await using holder = place.startSera([...WAITING, "sh", "-c", script], options);
  await holder.says("ready");
  await using waiter = place.startSera([...WAITING, "echo", "ran"]);
  await untilOneWaiter();
  await holder.closeStdin();
  assert.deepEqual(await holder.ended, { code: 0, stdout: "ready\n", stderr: "" });
  assert.deepEqual(await waiter.ended, { code: 0, stdout: "ran\n", stderr: "" });
}, [tool("psql", "--version")]);

postgres.test("a waiter takes over as soon as the lock is free", async () => {
  for (let i = 0; i < TRIES; i++) {
    await using place = await Place.make(postgres.server.url());
    const script = "echo ready; read -r _; date +%s%N";
    await using holder = place.startSera([...WAITING, "sh", "-c", script], { stdin: "open" });
    await holder.says("ready");
    await using waiter = place.startSera([...WAITING, "date", "+%s%N"]);
    await untilOneWaiter();
    await holder.closeStdin();
    const { stdout } = await holder.ended;
    const ended = beganAt({ code: 0, stdout: stdout.replace("ready\n", ""), stderr: "" });
    assert.ok(beganAt(await waiter.ended) >= ended);
  }
});

postgres.test("a waiter takes over when the holder is killed", async () => {
  await withWaiter(async (_place, holder, waiter) => {
    holder.kill("SIGKILL");
    beganAt(await waiter.ended);
  });
});

postgres.test("SIGINT ends a waiter at once, and its session", async () => {
  await withWaiter(async (_place, holder, waiter) => {
    waiter.kill("SIGINT");
    assert.deepEqual(await waiter.ended, { code: 130, stdout: "", stderr: "" });
    await until("one session is left", async () => await sessions() === 1);
    assert.equal(holder.over, false);
  });
});

postgres.test("Ctrl-C ends a waiter at once", async () => {
  await using place = await Place.make(postgres.server.url());
  await using holder = place.startSera([...WAITING, fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  await using waiter = startInTerminal(place, `exec sera ${WAITING.join(" ")} echo ran`);
  await untilOneWaiter();
  await waiter.write(KEY.ctrlC);
  const { code, stdout } = await waiter.ended;
  assert.equal(code, 130);
  assert.doesNotMatch(stdout, /ran|sera:/);
  assert.equal(holder.over, false);
}, [terminal]);

async function sessions(): Promise<number> {
  const [row] = await postgres.server.query(
    "SELECT COUNT(*) AS count FROM pg_stat_activity WHERE application_name LIKE 'sera %'",
  );
  return Number(row!.count);
}
