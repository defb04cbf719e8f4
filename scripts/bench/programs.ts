import type { Metafile, Plugin } from "esbuild";
import { bundle } from "../bundle.ts";
import { compile, V8_FLAGS } from "../compile.ts";
import { PERMISSIONS } from "../permissions.ts";
import { command, type Words } from "./words.ts";

/** A program that does nothing but run `true`: what no program on this runtime can undercut. */
const EMPTY = `const command = new Deno.Command("true", { stdin: "inherit", stdout: "inherit", stderr: "inherit" });
Deno.exit((await command.spawn().status).code);
`;

/** Makes a program of a bundle, or of a module that is alone in its folder; V8 gets sera's flags unless others are given. */
type Make = (name: string, entry: string, v8Flags?: readonly string[]) => Promise<Words>;

/** The programs that are compared. */
export interface Programs {
  readonly build: "compiled" | "deno run";
  readonly sera: Words;
  /** The empty program compiled with the default options. */
  readonly empty: Words;
  /** The same, made in the same way as sera. */
  readonly emptyAlike: Words;
  /** What went into sera's bundle. */
  readonly metafile: Metafile;
  readonly make: Make;
}

/**
 * Compiles sera and the empty program; where the compiler's runtime cannot be had, both run from source alike.
 *
 * @param folder Where to put everything.
 */
export async function makePrograms(folder: string): Promise<Programs> {
  const { entry, metafile } = await bundle(`${folder}/bundle`);
  const empty = await writeModule(`${folder}/empty-program`, EMPTY);
  const compiling: Make = (name, entry, v8Flags) => compiled(`${folder}/${name}`, entry, v8Flags);
  const isCompiled = await compiling("probe", empty).then(starts, () => false);
  const make = isCompiled ? compiling : fromSource;
  return {
    build: isCompiled ? "compiled" : "deno run",
    sera: await make("sera", entry),
    empty: await make("empty", empty, []),
    emptyAlike: await make("empty-alike", empty),
    metafile,
    make,
  };
}

/** Bundles sera with more plugins into a folder, and makes a program of that. */
export async function makeVariant(
  { make }: Programs,
  { name, folder, plugins }: { readonly name: string; readonly folder: string; readonly plugins: readonly Plugin[] },
): Promise<Words> {
  return await make(name, (await bundle(folder, plugins)).entry);
}

/** Writes a program's only module into a folder of its own, and gives its path. */
export async function writeModule(folder: string, text: string): Promise<string> {
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${folder}/main.js`, text);
  return `${folder}/main.js`;
}

async function compiled(path: string, entry: string, v8Flags?: readonly string[]): Promise<Words> {
  const folder = entry.slice(0, entry.lastIndexOf("/"));
  const output = `${path}.made`;
  if (!await compile({ folder, entry, output, v8Flags }, true)) throw new Error(`deno compile failed for: ${entry}`);
  // How a file was written decides in how large pieces the kernel keeps it, and so how fast it starts, by up to a tenth.
  // Programs that are installed have been copied.
  await Deno.copyFile(output, path);
  await Deno.remove(output);
  return [path];
}

/** Whether a binary works: one with a runtime that is not the compiler's own, as DENORT_BIN may name, does not. */
async function starts(words: Words): Promise<boolean> {
  return (await command(words, { stderr: "null" }).output()).success;
}

function fromSource(_name: string, entry: string, v8Flags = V8_FLAGS): Promise<Words> {
  const flags = v8Flags.length === 0 ? [] : [`--v8-flags=${v8Flags.join(",")}`];
  return Promise.resolve([Deno.execPath(), "run", "--quiet", "--no-config", ...flags, ...PERMISSIONS, entry]);
}
