/**
 * Prints the names of this version's container image, one per line: `scripts/image_tags.ts OWNER/NAME`. A preview, such as
 * 1.0.0-rc.1, does not become `latest`.
 *
 * @module
 */
import config from "../deno.json" with { type: "json" };

const [repository, ...rest] = Deno.args;
if (repository === undefined || rest.length > 0) {
  console.error("Usage: scripts/image_tags.ts OWNER/NAME");
  Deno.exit(2);
}
// Registries accept lower case only.
const image = `ghcr.io/${repository.toLowerCase()}`;
const { version } = config;
const minor = version.split(".").slice(0, 2).join(".");
const tags = version.includes("-") ? [version] : [version, minor, "latest"];
console.log(tags.map((tag) => `${image}:${tag}`).join("\n"));
