/**
 * Prints the notes of a release: `scripts/release_notes.ts TAG`. Fails, so that nothing is released, if the tag does not
 * match the version in deno.json, or CHANGELOG.md has no notes for it.
 *
 * @module
 */
import config from "../deno.json" with { type: "json" };
import { entryOf, readChangelog } from "./changelog.ts";

const [tag, ...rest] = Deno.args;
if (tag === undefined || rest.length > 0) {
  console.error("Usage: scripts/release_notes.ts TAG");
  Deno.exit(2);
}
if (tag !== `v${config.version}`) {
  console.error(
    `Cannot release as: ${tag}; deno.json has version ${config.version}, which is tagged v${config.version}`,
  );
  Deno.exit(1);
}
console.log(entryOf(config.version, await readChangelog()).notes);
