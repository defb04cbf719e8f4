/** The terminals in the README show the program's current output. */

import assert from "node:assert/strict";
import { linux, terminal, testWith, tool } from "../cli/needs.ts";
import { systemPostgresUnavailable } from "../servers/postgres_system.ts";
import { terminalSvg } from "../../scripts/terminal.ts";
import { drawTerminals } from "../../scripts/terminal_svg.ts";

const DRAWN = `${import.meta.dirname}/../../docs/terminal.svg`;

testWith(
  [linux, terminal, tool("bash", "--version"), systemPostgresUnavailable],
  "the terminals in the README are what a run shows; if not, deno task terminal draws them anew",
  async () => assert.equal(await Deno.readTextFile(DRAWN), await terminalSvg()),
);

Deno.test("the picture is small, and loads nothing", async () => {
  const drawn = await Deno.readTextFile(DRAWN);
  assert.ok(new TextEncoder().encode(drawn).length < 30 * 1024);
  assert.doesNotMatch(drawn, /<script|@font-face|@import|href|url\(|127\.0\.0\.1|\/tmp\//);
});

Deno.test("a terminal is drawn cell by cell, with its colours, and with any characters", () => {
  const svg = drawTerminals("<a>", [[[{ text: "a&b", colour: 2 }, { text: " <c>", colour: undefined }]]]);
  assert.match(svg, /<title>&lt;a&gt;<\/title>/);
  assert.match(svg, /<text x="14" y="27" textLength="24" [^>]*style="fill:#3fb950"[^>]*>a&amp;b<\/text>/);
  assert.match(svg, /<text x="38" y="27" textLength="32" [^>]*> &lt;c&gt;<\/text>/);
});
