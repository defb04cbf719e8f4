import { ROOT } from "./root.ts";
import { run } from "./run.ts";

/**
 * The date for all that is made from the sources, so that the same sources give the same files: SOURCE_DATE_EPOCH if it is
 * set, else the date of the last commit.
 *
 * @returns Seconds since 1970.
 * @throws Error if there is neither.
 */
export async function sourceDate(): Promise<number> {
  const set = Deno.env.get("SOURCE_DATE_EPOCH");
  const text = set ?? await run("git", ["-C", ROOT, "log", "-1", "--format=%ct"]).catch((cause) => {
    throw new Error("Cannot tell the sources' date: no commit; set SOURCE_DATE_EPOCH", { cause });
  });
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 0 || text.trim() === "") {
    throw new Error(`Cannot use as a date: SOURCE_DATE_EPOCH=${text}; expected seconds since 1970`);
  }
  return seconds;
}
