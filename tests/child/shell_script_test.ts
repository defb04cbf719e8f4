/** What the shell beside a command does with lines that it reads late, since it was stopped or got no processor. */

import assert from "node:assert/strict";
import { shellScript } from "../../lib/child/shell_script.ts";
import { parseStatus } from "../../lib/child/shell_status.ts";
import { linux, testWith, tool } from "../cli/needs.ts";
import { lives } from "../cli/process_list.ts";
import { Running } from "../cli/running.ts";
import { until } from "../cli/wait.ts";

/** A bash whose `read -t` takes fractions. */
const bash = tool("/bin/bash", "-c", "[[ $BASH_VERSION > 4 ]]");

/** Far longer than a test may take, in hundredths of a second, and how many seconds that is. */
const LONG = 60_000;
const SECONDS = LONG / 100;

/** The shell, and a command that it watches. */
class Watched implements AsyncDisposable {
  readonly shell = new Running(["/bin/bash", "-c", shellScript(false)], { stdin: "open", env: {} });
  readonly command = new Running(["sleep", "1000"], { env: Deno.env.toObject() });

  /** Has it hear these lines, all at once. */
  async hear(...lines: readonly string[]): Promise<void> {
    await this.shell.write(lines.map((line) => `${line}\n`).join(""));
  }

  /** Whether it has killed the command by now, as it says itself. */
  async hasKilled(): Promise<boolean> {
    await this.hear("ask");
    const status = await until("it has answered", () => parseStatus(this.shell.stdout));
    return status.fenced;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shell[Symbol.asyncDispose]();
    await this.command[Symbol.asyncDispose]();
  }
}

/** The machine's uptime in whole seconds, so many seconds ago. */
function uptime(ago = 0): number {
  return Math.floor(Deno.osUptime()) - ago;
}

testWith([linux, bash], "a time limit counts from when sera sent it, not from when it is read", async () => {
  for (const before of ["kill", "renew"]) {
    await using watched = new Watched();
    const { command: { pid } } = watched;
    const late = uptime(SECONDS + 2);
    await watched.hear(`now ${uptime()}`);
    if (before === "kill") await watched.hear(`kill ${pid} ${LONG} ${late}`);
    else await watched.hear(`kill ${pid} ${LONG} ${uptime()}`, `renew ${LONG} ${late}`);
    await until("the command is killed", () => !lives(pid));
    assert.equal(await watched.hasKilled(), true);
  }
});

testWith(
  [linux, bash],
  "a limit that was over when it was read kills nobody if it has been renewed since",
  async () => {
    await using watched = new Watched();
    const { command: { pid } } = watched;
    const late = uptime(SECONDS + 2);
    await watched.hear(`now ${uptime()}`);
    await watched.hear(`kill ${pid} ${LONG} ${late}`, `renew ${LONG} ${late}`, `renew ${LONG} ${uptime()}`);
    assert.equal(await watched.hasKilled(), false);
    assert.ok(lives(pid));
  },
);

testWith([linux, bash], "where /proc has an uptime of its own, no limit is shortened for that", async () => {
  for (const other of [-1_000_000, 1_000_000]) {
    await using watched = new Watched();
    const { command: { pid } } = watched;
    await watched.hear(`now ${uptime() + other}`);
    await watched.hear(`kill ${pid} ${LONG} ${uptime() + other}`);
    assert.equal(await watched.hasKilled(), false);
    assert.ok(lives(pid));
  }
});
