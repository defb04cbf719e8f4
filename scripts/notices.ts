import config from "../deno.json" with { type: "json" };
import { ROOT } from "./root.ts";
import type { Bom, Component } from "./sbom.ts";

/**
 * The licences of everything in the binary, with the texts that must be shipped with it.
 *
 * @throws Error if a package came without one.
 */
export async function notices(bom: Bom): Promise<string> {
  const parts = bom.components.filter(({ type }) => type !== "platform").map(notice);
  const licence = await Deno.readTextFile(`${ROOT}/LICENSE`);
  const runtime = bom.components.filter(({ type }) => type === "platform").map(({ name, version }) =>
    `${name} ${version} (MIT), the runtime, and what it is made of: https://github.com/denoland/deno`
  );
  return [`${config.name} ${config.version}\n\n${licence.trim()}`, ...parts, ...runtime].join(SEPARATOR) + "\n";
}

const SEPARATOR = `\n\n${"-".repeat(80)}\n\n`;

function notice({ group, name, version, evidence }: Component): string {
  const full = `${group === undefined ? "" : `${group}/`}${name} ${version}`;
  const [text] = evidence?.licenses ?? [];
  if (text === undefined) throw new Error(`No licence text in the package: ${full}`);
  const bytes = Uint8Array.fromBase64(text.license.text.content);
  return `${full}\n\n${new TextDecoder().decode(bytes).replaceAll("\r\n", "\n").trim()}`;
}
