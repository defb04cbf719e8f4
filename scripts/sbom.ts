/**
 * Writes a CycloneDX bill of materials, the list of what is in the binary: `scripts/sbom.ts [FILE]`. esbuild knows which
 * packages went into the bundle, and CycloneDX's tool for esbuild describes them. What only builds or tests sera is not
 * listed. The versions are those in deno.lock.
 *
 * @module
 */
import config from "../deno.json" with { type: "json" };
import { bundle } from "./bundle.ts";
import { runTool } from "./packaged_tools.ts";
import { ROOT } from "./root.ts";

/** The parts of the document that are used here. */
export interface Bom {
  readonly metadata: { readonly component: { purl: string; readonly "bom-ref": string } };
  readonly components: Component[];
  readonly dependencies: { readonly ref: string; readonly dependsOn?: string[] }[];
}

/** One of the packages, or the runtime. */
export interface Component {
  readonly type: string;
  readonly "bom-ref": string;
  readonly group?: string;
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly scope?: string;
  readonly purl?: string;
  /** What its authors declare. */
  readonly licenses: readonly unknown[];
  /** The texts that came with it. */
  readonly evidence?: {
    readonly licenses: readonly { readonly license: { readonly text: { readonly content: string } } }[];
  };
}

/** Makes the bill of materials; the same sources and the same Deno give the same one bit for bit. */
export async function makeSbom(): Promise<Bom> {
  const folder = await Deno.makeTempDir({ prefix: "sera-sbom-" });
  try {
    const { metafile } = await bundle(`${folder}/bundle`);
    // Stand-ins and Node's own modules are no files; their names have a colon: "stand-in:lib/stream in pg".
    const isFile = ([path]: [string, unknown]) => !path.includes(":");
    metafile.inputs = Object.fromEntries(Object.entries(metafile.inputs).filter(isFile));
    for (const output of Object.values(metafile.outputs)) {
      output.inputs = Object.fromEntries(Object.entries(output.inputs).filter(isFile));
    }
    await Deno.writeTextFile(`${folder}/metafile.json`, JSON.stringify(metafile));
    // The tool looks for a package.json above each source; sera's is named deno.json.
    const { name, version, license } = config;
    await Deno.writeTextFile(`${folder}/package.json`, JSON.stringify({ name, version, license }));
    for (const part of ["main.ts", "lib", "deno.json", "node_modules"]) {
      await Deno.symlink(`${ROOT}/${part}`, `${folder}/${part}`);
    }
    const text = await runTool("@cyclonedx/cyclonedx-esbuild/bin/cyclonedx-esbuild-cli.js", [
      ...["--build-working-dir", folder, "--spec-version", "1.6", "--output-reproducible", "--gather-license-texts"],
      ...["--output-file", "-", `${folder}/metafile.json`],
    ]);
    return complete(JSON.parse(text));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Adds the runtime, and corrects that sera itself is an npm package. */
function complete(bom: Bom): Bom {
  const { component } = bom.metadata;
  component.purl = `pkg:generic/${config.name}@${config.version}`;
  const deno = `deno@${Deno.version.deno}`;
  bom.components.push({
    type: "platform",
    "bom-ref": deno,
    name: "deno",
    version: Deno.version.deno,
    description: "The runtime that deno compile joins the program to",
    scope: "required",
    licenses: [{ license: { id: "MIT", acknowledgement: "declared" } }],
    purl: `pkg:github/denoland/deno@v${Deno.version.deno}`,
  });
  bom.dependencies.find(({ ref }) => ref === component["bom-ref"])?.dependsOn?.push(deno);
  bom.dependencies.push({ ref: deno });
  return bom;
}

/** The document as it is published. */
export function toText(bom: Bom): string {
  return `${JSON.stringify(bom, null, 2)}\n`;
}

if (import.meta.main) {
  const text = toText(await makeSbom());
  const [file] = Deno.args;
  if (file === undefined) console.log(text.trimEnd());
  else await Deno.writeTextFile(file, text);
}
