/** The terminals in the README: a real run of three nodes, with what differs from run to run made the same. */

import { Place } from "../cli/place.ts";
import { Screen, type Span } from "../cli/screen.ts";
import { until } from "../cli/wait.ts";
import { startSystemPostgres } from "../servers/postgres_system.ts";
import { table } from "../../lib/text/text_table.ts";

/** A terminal's screen at one moment, with colours. */
export type Shot = readonly (readonly Span[])[];

const COMMAND = "nightly-report";
const COLUMNS = 96;
/** The waiting line, with its varying numbers. */
const WAITING = /waiting for (\S+):(\d+) (\S+), (held|connected) for \d+ s; \d+ s left/;

/**
 * One node runs a report, another one waits for it, a third one looks, and the server ends the first one's connection.
 *
 * @returns The screens of the waiting node, the watching node and the first node.
 */
export async function record(): Promise<Shot[]> {
  await using server = await startSystemPostgres();
  await using place = await Place.make(server.url());
  await place.script(`bin/${COMMAND}`, `echo >'${place.path}/runs'; exec sleep 600`);
  await using web1 = shellOn(place, "web1");
  await using web2 = shellOn(place, "web2");
  await using web3 = shellOn(place, "web3");

  await enter(web1, `sera 0 ${COMMAND}          # meanwhile the database restarts`);
  await until("the report runs", async () => await place.read("runs") !== "");
  await enter(web2, `sera 60 ${COMMAND}`);
  const rows = await web2.shows("the waiting line", (rows) => rows.some((row) => WAITING.test(row)));
  const waiting = await web2.styledRows();

  await enter(web3, "sera status");
  await web3.shows("both", (rows) => rows.some((row) => / waiting /.test(row)) && isBack(rows));
  const looking = await web3.styledRows();

  const [, , holder] = WAITING.exec(rows.at(-1)!)!;
  await server.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'sera %:${holder} %'`,
  );
  await web1.shows("the lost lock", (rows) => rows.some((row) => row.includes("Lock lost")) && isBack(rows));
  await enter(web1, "echo $?");
  await web1.shows("the exit code", (rows) => rows.includes("206") && isBack(rows));
  const lost = await web1.styledRows();
  return [waiting, looking, lost].map(withoutVaryingParts);
}

/** A shell at a terminal of a node, with a prompt in green. */
function shellOn(place: Place, node: string): Screen {
  const PS1 = `\\[\\e[32m\\]${node}\\[\\e[m\\]$ `;
  return new Screen(place, "exec bash --noprofile --norc -i", { columns: COLUMNS, env: { PS1, HISTFILE: "" } });
}

/** Types a command when the prompt is there. */
async function enter(screen: Screen, command: string): Promise<void> {
  await screen.shows("the prompt", isBack);
  await screen.type(`${command}\n`);
}

/** Whether the shell asks for the next command. */
function isBack(rows: readonly string[]): boolean {
  return /^web\d\$$/.test(rows.at(-1) ?? "");
}

/** Without the last prompt, and with hosts, processes and times that tell nothing of where and when it was made. */
function withoutVaryingParts(shot: Shot): Shot {
  const rows = shot.filter((row, index) => index < shot.length - 1 || !isBack([textOf(row)]));
  const head = rows.findIndex((row) => textOf(row).startsWith("LOCK "));
  return head < 0 ? replaced(rows) : [...rows.slice(0, head), ...tableOf(rows.slice(head).map(textOf))];
}

/** What stands in the table of `sera status` by the state of its row, and in its head. */
const NODES: Readonly<Record<string, readonly [string, string, string]>> = {
  STATE: ["HOST", "PID", "SINCE"],
  held: ["web1", "4711", "2026-11-26 03:00:02Z (48 s ago)"],
  waiting: ["web2", "815", "2026-11-26 03:00:37Z (13 s ago)"],
};

/** The table with those; a time is exact, or not, as it is in the real one. */
function tableOf(rows: readonly string[]): Shot {
  const cells = rows.map((row) => {
    const [lock, state, , , label, since] = row.split(/ {2,}/);
    const [host, pid, time] = NODES[state!]!;
    return [lock!, state!, host, pid, label!, since!.startsWith("~") ? `~${time}` : time];
  });
  return table(cells).trimEnd().split("\n").map(plain);
}

/** Rows without a table. One that the terminal has wrapped is wrapped anew, as its length has changed. */
function replaced(rows: Shot): Shot {
  const whole: Span[][] = [];
  rows.forEach((row, index) => {
    const isContinued = index > 0 && textOf(rows[index - 1]!).length === COLUMNS;
    if (isContinued) whole.push(plain(textOf(whole.pop()!) + textOf(row)));
    else whole.push([...row]);
  });
  return whole.flatMap((row) => {
    const spans = row.map(({ text, colour }) => ({ text: inPublic(text), colour }));
    return spans.length > 1 ? [spans] : textOf(spans).match(new RegExp(`.{1,${COLUMNS}}`, "g"))!.map(plain);
  });
}

function inPublic(text: string): string {
  return text
    .replace(WAITING, "waiting for web1:4711 $3, $4 for 48 s; 47 s left")
    .replace(/tcp\(127\.0\.0\.1:\d+\)/, "tcp(db.example.com:5432)");
}

function plain(text: string): Span[] {
  return [{ text, colour: undefined }];
}

/** The characters of a row. */
export function textOf(row: readonly Span[]): string {
  return row.map(({ text }) => text).join("");
}
