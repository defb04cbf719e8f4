import assert from "node:assert/strict";
import { fits, table } from "../../lib/text/text_table.ts";

Deno.test("columns line up by what a terminal shows, wide characters and combined ones included", () => {
  const rows = [["NAME", "HOST"], ["数据库", "a"], ["e\u0301té", "b"], ["👩‍💻", "c"], ["plain", "d"]];
  assert.equal(table(rows), "NAME    HOST\n数据库  a\ne\u0301té     b\n👩‍💻      c\nplain   d\n");
});

Deno.test("control characters are replaced, and lines have no trailing spaces", () => {
  assert.equal(table([["A", "B"], ["x\x1b[31my\n", ""]]), "A         B\nx [31my\n");
});

Deno.test("columns are cut in the given order, between characters, and no more than needed", () => {
  const rows = [["ID", "LABEL", "HOST"], ["1", "a".repeat(30), "h".repeat(20)]];
  assert.equal(table(rows, { width: 40, cut: [1, 2] }).split("\n")[1], `1   ${"a".repeat(13)}…  ${"h".repeat(20)}`);
  // The first goes down to eight columns, then it is the next one's turn.
  assert.equal(table(rows, { width: 24, cut: [1, 2] }).split("\n")[1], `1   ${"a".repeat(7)}…  ${"h".repeat(9)}…`);
  assert.equal(table(rows, { width: undefined, cut: [1] }).split("\n")[1], `1   ${"a".repeat(30)}  ${"h".repeat(20)}`);
  // Half a wide character is not shown.
  assert.equal(table([["LABEL"], ["数据库数据库"]], { width: 8, cut: [0] }), "LABEL\n数据库…\n");
});

Deno.test("a path that is cut keeps its end", () => {
  const row = ["/srv/backup/nightly.sh"];
  assert.equal(table([["LABEL"], row], { width: 12, cut: [0] }), "LABEL\n…/nightly.sh\n");
});

Deno.test("a table fits if its widest line does", () => {
  const rows = [["A", "B"], ["数据", "b"]];
  assert.deepEqual([fits(rows, 7), fits(rows, 6)], [true, false]);
});
