import assert from "node:assert/strict";
import config from "../../deno.json" with { type: "json" };
import { entryOf, readChangelog } from "../../scripts/changelog.ts";
import { runScript } from "./releases.ts";

const CHANGELOG = `# Changelog

## [Unreleased]

- Not yet.

## [1.1.0] - 2027-01-02

Better.

### Fixed

- This.

## [1.0.0] - 2026-12-01

- First.

[1.0.0]: https://example.com/v1.0.0
`;

Deno.test("a release's notes are its section of the changelog", () => {
  assert.deepEqual(entryOf("1.1.0", CHANGELOG), { day: "2027-01-02", notes: "Better.\n\n### Fixed\n\n- This." });
  assert.deepEqual(entryOf("1.0.0", CHANGELOG), { day: "2026-12-01", notes: "- First." });
  for (const version of ["1.1", "2.0.0", "Unreleased"]) {
    assert.throws(() => entryOf(version, CHANGELOG), /No notes in CHANGELOG.md for/);
  }
});

Deno.test("the tag of a release is the version, and has notes", async () => {
  const { code, stdout } = await runScript("release_notes.ts", [`v${config.version}`]);
  assert.equal(code, 0);
  const { day, notes } = entryOf(config.version, await readChangelog());
  assert.match(day, /^\d{4}-\d\d-\d\d$/);
  assert.equal(stdout.trim(), notes);
});

Deno.test("a tag other than the version is not released", async () => {
  for (const tag of [config.version, "v9.9.9"]) {
    const { code, stdout, stderr } = await runScript("release_notes.ts", [tag]);
    assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
    assert.match(stderr, /^Cannot release as: .*; deno\.json has version .*\n$/);
  }
});

Deno.test("a container image is named after the version, in lower case", async () => {
  const { stdout } = await runScript("image_tags.ts", ["Owner/Sera"]);
  const [major, minor] = config.version.split(".");
  const tags = [config.version, `${major}.${minor}`, "latest"];
  assert.deepEqual(stdout.trim().split("\n"), tags.map((tag) => `ghcr.io/owner/sera:${tag}`));
});
