import assert from "node:assert/strict";
import { SETTINGS } from "../../lib/settings/table.ts";
import { BROKEN_PIPE } from "../../lib/args/exit_statuses.ts";
import { ExitCode } from "../../lib/exit_codes.ts";
import { page, tableUnder } from "./markdown.ts";

const README = page("README.md");

/** The words in code of a cell. */
function code(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word!);
}

Deno.test("the README's table of settings has them all, and says which may be in the file", () => {
  const documented = tableUnder("## Settings", README).map(([names, inFile]) => ({
    names: code(names!),
    inConfig: inFile === "yes",
  }));
  const actual = SETTINGS.map(({ name, alias, inConfig = false }) => ({
    names: alias ? [name, alias] : [name],
    inConfig,
  }));
  const sorted = (settings: typeof documented) => settings.toSorted((a, b) => a.names[0]! < b.names[0]! ? -1 : 1);
  assert.deepEqual(sorted(documented), sorted(actual));
});

Deno.test("the README's table of exit codes has them all", () => {
  const documented = tableUnder("## Exit codes", README).map(([status]) => Number(status)).filter((n) => n > 0);
  const own = [...Object.values(ExitCode).filter((n) => n > 0), BROKEN_PIPE[0]];
  assert.deepEqual(documented.toSorted(), own.toSorted());
});
