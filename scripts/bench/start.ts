import type { Bed } from "./bed.ts";
import { EMPTY_ALIKE, FLOCK } from "./contestants.ts";
import { EXIT, PHASES, phasesOf } from "./phases.ts";
import { makeVariant, writeModule } from "./programs.ts";
import type { Table } from "./report.ts";
import { inTurn, type Measurement } from "./rounds.ts";
import { type Marks, TRACE_FILE, tracing } from "./trace.ts";
import { TRACE_POINTS } from "./trace_points.ts";
import { timed, type Words } from "./words.ts";

/** The empty program, which notes when its first statement ran, and when its command had been made and had ended. */
const EMPTY_TRACED = `const now = () => performance.timeOrigin + performance.now();
const first = now();
const command = new Deno.Command("true", { stdin: "inherit", stdout: "inherit", stderr: "inherit" });
const child = command.spawn();
const spawned = now();
const { code } = await child.status;
const marks = { first: { begin: first, end: first }, spawn: { begin: first, end: spawned },
  command: { begin: spawned, end: now() } };
Deno.writeTextFileSync(Deno.env.get("${TRACE_FILE}"), JSON.stringify(marks));
Deno.exit(code);
`;

/** Where the time of one run goes: the phases of a sera that notes them, which is not the one that is shipped. */
export async function start({ folder, programs, contestants, rounds }: Bed): Promise<Table[]> {
  const traced = await makeVariant(programs, {
    name: "traced",
    folder: `${folder}/traced-bundle`,
    plugins: [tracing(TRACE_POINTS)],
  });
  const empty = await programs.make("empty-traced", await writeModule(`${folder}/empty-traced-program`, EMPTY_TRACED));

  // What the runtime takes to a program's first statement is that of the empty program of the same round.
  let runtime = 0;
  const things: Record<string, Measurement> = {
    [EMPTY_ALIKE]: async () => {
      const { started, marks, ended } = await run(empty, folder);
      runtime = marks.first!.begin - started;
      return withTotal(phasesOf({ started, marks, ended }));
    },
  };
  for (const { name, once } of contestants) {
    if (name === FLOCK) continue;
    const words = [...traced, ...once.slice(programs.sera.length), "true"];
    things[name] = async () => {
      const { started, marks, ended } = await run(words, folder);
      const first = { begin: started + runtime, end: started + runtime };
      return withTotal(phasesOf({ started, marks: { ...marks, first }, ended }));
    };
  }
  const columns = [...PHASES, { id: EXIT, title: EXIT }, { id: "total", title: "in all" }];
  return [{
    id: "start",
    title: "where the time of one run goes",
    columns: columns.map(({ id, title }) => ({ id, title, unit: "ms" })),
    rows: await inTurn(things, { rounds }),
  }];
}

async function run(words: Words, folder: string): Promise<{ started: number; marks: Marks; ended: number }> {
  const file = `${folder}/trace.json`;
  const started = performance.timeOrigin + performance.now();
  const took = await timed(words, { env: { [TRACE_FILE]: file } });
  return { started, marks: JSON.parse(await Deno.readTextFile(file)), ended: started + took };
}

function withTotal(phases: Readonly<Record<string, number>>): Record<string, number> {
  return { ...phases, total: Object.values(phases).reduce((sum, phase) => sum + phase) };
}
