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

Deno.test("the table has all settings, and says which may be in the file", () => {
  const documented = tableUnder("## All of them", page("docs/settings.md")).map(([names, inFile]) => ({
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

Deno.test("the README's table has the most important settings, by their names", () => {
  const known = new Set(SETTINGS.flatMap(({ name, alias }) => [name, alias]));
  const documented = tableUnder("## Settings", README).flatMap(([names]) => code(names!));
  assert.deepEqual(documented.filter((name) => !known.has(name)), []);
  for (const name of ["server", "name", "once", "every", "lease", "ledger"]) assert.ok(documented.includes(name), name);
});

Deno.test("the README's table of exit codes has them all", () => {
  const documented = tableUnder("## Exit codes", README).map(([status]) => Number(status)).filter((n) => n > 0);
  const own = [...Object.values(ExitCode).filter((n) => n > 0), BROKEN_PIPE[0]];
  assert.deepEqual(documented.toSorted(), own.toSorted());
});
