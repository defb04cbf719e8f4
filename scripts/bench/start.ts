import type { Bed } from "./bed.ts";
import { EMPTY_ALIKE, ETCDCTL, FLOCK } from "./contestants.ts";
import { EXIT, PHASES, phasesOf, RUNTIME, type Trace } from "./phases.ts";
import { makeVariant, writeModule } from "./programs.ts";
import type { Table } from "./report.ts";
import { inTurn, type Measurement } from "./rounds.ts";
import { TRACE_FILE, tracing } from "./trace.ts";
import { command, type Words } from "./words.ts";

/** The empty program, which notes when its first statement ran, and when its command had been made and had ended. */
const EMPTY_TRACED = `const now = () => performance.timeOrigin + performance.now();
const ends = { runtime: now() };
const command = new Deno.Command("true", { stdin: "inherit", stdout: "inherit", stderr: "inherit" });
const child = command.spawn();
ends.spawning = now();
const { code } = await child.status;
ends.command = now();
Deno.writeTextFileSync(Deno.env.get("${TRACE_FILE}"), JSON.stringify(ends));
Deno.exit(code);
`;

/** The phases of a run, in a special build of sera that records them. */
export async function start({ folder, programs, contestants, rounds }: Bed): Promise<Table[]> {
  const options = { name: "traced", folder: `${folder}/traced-bundle`, plugins: [tracing(PHASES)] };
  const traced = await makeVariant(programs, options);
  const empty = await programs.make("empty-traced", await writeModule(`${folder}/empty-traced-program`, EMPTY_TRACED));

  // The runtime's time until a program's first statement comes from the empty program of the same round.
  let runtime = 0;
  const things: Record<string, Measurement> = {
    [EMPTY_ALIKE]: async () => {
      const trace = await run(empty, folder);
      runtime = trace.ends[RUNTIME]! - trace.started;
      return withTotal(trace);
    },
  };
  for (const { name, once } of contestants.filter(({ name }) => name !== FLOCK && name !== ETCDCTL)) {
    const words = [...traced, ...once.slice(programs.sera.length), "true"];
    things[name] = async () => {
      const trace = await run(words, folder);
      return withTotal({ ...trace, ends: { ...trace.ends, [RUNTIME]: trace.started + runtime } });
    };
  }
  const names = [RUNTIME, ...PHASES.map(({ name }) => name), EXIT, "in all"];
  return [{
    id: "start",
    title: "where the time of one run goes",
    columns: names.map((name) => ({ id: name, title: name, unit: "ms" })),
    rows: await inTurn(things, { rounds }),
  }];
}

async function run(words: Words, folder: string): Promise<Trace> {
  const file = `${folder}/trace.json`;
  const now = () => performance.timeOrigin + performance.now();
  const started = now();
  const { success } = await command(words, { env: { [TRACE_FILE]: file } }).spawn().status;
  const ended = now();
  if (!success) throw new Error(`Failed: ${words.join(" ")}`);
  return { started, ends: JSON.parse(await Deno.readTextFile(file)), ended };
}

function withTotal(trace: Trace): Record<string, number> {
  return { ...phasesOf(trace), "in all": trace.ended - trace.started };
}
