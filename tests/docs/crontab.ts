/** The lines of a file for /etc/cron.d, as crontab(5) has them. */

/** A line that starts something. */
export interface CronJob {
  readonly user: string;
  /** What cron gives to the shell. */
  readonly command: string;
}

/** The minimum and maximum of each field. */
const FIELDS: readonly (readonly [number, number])[] = [[0, 59], [0, 23], [1, 31], [1, 12], [0, 7]];

/** @throws {Error} When cron would not take a line, or would cut it off. */
export function readCrontab(text: string): { readonly variables: Record<string, string>; readonly jobs: CronJob[] } {
  const variables: Record<string, string> = {};
  const jobs: CronJob[] = [];
  for (const line of text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"))) {
    const [, name, value] = /^(\w+) ?= ?(.*)$/.exec(line) ?? [];
    if (name !== undefined) variables[name] = value!;
    else jobs.push(readJob(line));
  }
  return { variables, jobs };
}

function readJob(line: string): CronJob {
  const [, times, user, command] = /^((?:\S+\s+){5})([a-z_][a-z0-9_-]*)\s+(.*)$/.exec(line) ?? [];
  const wrong = times?.trim().split(/\s+/).find((field, index) => !isField(field, FIELDS[index]!));
  if (times === undefined || wrong !== undefined) throw new Error(`not a line for cron, at ${wrong}: ${line}`);
  // cron turns every other % into the end of the command and a line of its stdin.
  if (/(?<!\\)%/.test(command!)) throw new Error(`an unescaped %: ${line}`);
  return { user: user!, command: command!.replaceAll("\\%", "%") };
}

function isField(field: string, [least, greatest]: readonly [number, number]): boolean {
  return field.split(",").every((part) => {
    const match = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part);
    if (!match) return false;
    const [, first, last, step] = match;
    return step !== "0" &&
      [first, last].every((n) => n === undefined || Number(n) >= least && Number(n) <= greatest);
  });
}
