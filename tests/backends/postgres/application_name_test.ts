import assert from "node:assert/strict";
import { applicationName } from "../../../lib/backends/postgres/application_name.ts";
import { startSera } from "../../cli/program.ts";
import { until } from "../../cli/wait.ts";
import type { PostgresServer } from "../../servers/postgres_process.ts";
import { freshName, hold, open } from "../open.ts";
import { sessions } from "./view.ts";
import { sharedPostgres, sharedPostgres18 } from "../shared_server.ts";

/** The name for this host, process and label. */
function nameOf(host: string, pid: number, label: string): string {
  return applicationName({ lock: freshName(), host, pid, label });
}

Deno.test("a session is named after host, process and command", () => {
  assert.equal(nameOf("web1", 4711, "rotate-logs"), "sera web1:4711 rotate-logs");
});

Deno.test("only the last part of the command's path is shown", () => {
  for (const command of ["/usr/local/bin/rotate-logs", "./rotate-logs", "../a/rotate-logs", "//rotate-logs"]) {
    assert.equal(nameOf("web1", 4711, command), "sera web1:4711 rotate-logs");
  }
});

Deno.test("a lock name with a slash is not taken for a path", () => {
  for (const label of ["etl/load", "a/b/c", "~user"]) {
    assert.equal(nameOf("web1", 4711, label), `sera web1:4711 ${label}`);
  }
  const named = { lock: "1,2", host: "web1", pid: 4711, label: "/jobs/x", namespace: "n", name: "/jobs/x" };
  assert.equal(applicationName(named), "sera web1:4711 /jobs/x");
});

Deno.test("a word with blanks is not taken for a path", () => {
  for (const label of ["rotate /var/log", "../a b/rotate-logs"]) {
    assert.equal(nameOf("web1", 4711, label), `sera web1:4711 ${label}`);
  }
});

Deno.test("a long host's name leaves room for process and command", () => {
  const name = nameOf("h".repeat(253), 4194304, "rotate-logs");
  assert.match(name, /^sera h{30}:4194304 rotate-logs$/);
});

Deno.test("a long command is cut where the server would cut it", () => {
  const name = nameOf("web1", 4711, "c".repeat(300));
  assert.match(name, /^sera web1:4711 c+$/);
  assert.equal(name.length, 63);
});

Deno.test("characters other than printable ASCII become question marks", () => {
  assert.equal(nameOf("wéb", 1, "größe\n\t\u007f\u001b[0m"), "sera w?b:1 gr??e????[0m");
  assert.match(nameOf("web1", 1, "日本🚀"), /^sera web1:1 \?+$/);
});

/** The name of the only session, once that of the test before has gone. */
async function shownName(server: PostgresServer): Promise<string> {
  const [session] = await until("a single session", async () => {
    const found = await sessions(server);
    return found.length === 1 ? found : undefined;
  });
  return session!.applicationName;
}

const HOST = Deno.hostname().slice(0, 30);

for (const shared of [sharedPostgres(), sharedPostgres18()]) {
  shared.test("the server shows the name", async (server) => {
    await using backend = await open(server.url(), freshName());
    await hold(backend);
    assert.equal(await shownName(server), `sera ${HOST}:${Deno.pid} test`);
  });

  shared.test("the server shows the settings' name instead, if they have one", async (server) => {
    await using backend = await open(server.url("application_name=x"), freshName());
    await hold(backend);
    assert.equal(await shownName(server), "x");
  });

  shared.test("the server sees no more than the command's first word", async (server) => {
    await server.query("ALTER SYSTEM SET log_statement = 'all'");
    await server.reload();
    await using running = startSera(
      ["--server", server.url(), "0", "/bin/sh", "-c", "echo held; exec sleep 30", "hidden"],
    );
    await running.says("held");
    assert.equal(await shownName(server), `sera ${HOST}:${running.pid} sh`);
    const log = await Deno.readTextFile(server.logFile);
    assert.match(log, /pg_try_advisory_lock/);
    assert.doesNotMatch(log, /hidden|sleep/);
  });
}
