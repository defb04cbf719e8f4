/**
 * Prints what a container image of this version is called, one name a line: `scripts/image_tags.ts OWNER/NAME`. Only a
 * version that is no preview, such as 1.0.0-rc.1, is also the newest.
 *
 * @module
 */
import config from "../deno.json" with { type: "json" };

const [repository, ...rest] = Deno.args;
if (repository === undefined || rest.length > 0) {
  console.error("Usage: scripts/image_tags.ts OWNER/NAME");
  Deno.exit(2);
}
// A registry takes lower case only.
const image = `ghcr.io/${repository.toLowerCase()}`;
const { version } = config;
const minor = version.split(".").slice(0, 2).join(".");
const tags = version.includes("-") ? [version] : [version, minor, "latest"];
console.log(tags.map((tag) => `${image}:${tag}`).join("\n"));
