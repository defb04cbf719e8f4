import type { Metafile, Plugin } from "esbuild";
import { bundle } from "../bundle.ts";
import { compile, V8_FLAGS } from "../compile.ts";
import { PERMISSIONS } from "../permissions.ts";
import { command, type Words } from "./words.ts";

/** A program that does nothing but run `true`: what no program on this runtime can undercut. */
const EMPTY = `const command = new Deno.Command("true", { stdin: "inherit", stdout: "inherit", stderr: "inherit" });
Deno.exit((await command.spawn().status).code);
`;

/** The programs that are compared. */
export interface Programs {
  readonly build: "compiled" | "deno run";
  readonly sera: Words;
  /** The empty program as the compiler makes it if it is told nothing. */
  readonly empty: Words;
  /** The same, made in the same way as sera. */
  readonly emptyAlike: Words;
  /** The folder of sera's bundle, and what went into it. */
  readonly bundle: string;
  readonly metafile: Metafile;
  /** Makes another program of a module, in the same way as sera. */
  readonly make: (name: string, entry: string) => Promise<Words>;
}

/**
 * Compiles sera and the empty program; where the compiler's runtime cannot be had, both run from source alike.
 *
 * @param folder Where to put everything.
 */
export async function makePrograms(folder: string): Promise<Programs> {
  const { entry, metafile } = await bundle(`${folder}/bundle`);
  const empty = await writeModule(`${folder}/empty-program`, EMPTY);
  const made = { bundle: `${folder}/bundle`, metafile };
  if (
    await compiled(folder, "sera", entry) && await compiled(folder, "empty", empty, []) &&
    await starts(`${folder}/empty`)
  ) {
    const make = async (name: string, module: string) => {
      if (!await compiled(folder, name, module)) throw new Error(`deno compile failed for: ${module}`);
      return [`${folder}/${name}`];
    };
    const emptyAlike = await make("empty-alike", empty);
    return { ...made, build: "compiled", sera: [`${folder}/sera`], empty: [`${folder}/empty`], emptyAlike, make };
  }
  const plain = [Deno.execPath(), "run", "--quiet", "--no-config", ...PERMISSIONS];
  const alike = [...plain, `--v8-flags=${V8_FLAGS.join(",")}`];
  const make = (_name: string, module: string) => Promise.resolve([...alike, module]);
  return {
    ...made,
    build: "deno run",
    sera: [...alike, entry],
    empty: [...plain, empty],
    emptyAlike: [...alike, empty],
    make,
  };
}

/**
 * Bundles sera with more plugins, and makes a program of that.
 *
 * @param folder Where to put the bundle.
 */
export async function makeVariant(
  { make }: Programs,
  { name, folder, plugins }: { readonly name: string; readonly folder: string; readonly plugins: readonly Plugin[] },
): Promise<Words> {
  const { entry } = await bundle(folder, plugins);
  return await make(name, entry);
}

/** Writes a program's only module into a folder of its own, and gives its path. */
export async function writeModule(folder: string, text: string): Promise<string> {
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${folder}/main.js`, text);
  return `${folder}/main.js`;
}

async function compiled(folder: string, name: string, entry: string, v8Flags?: readonly string[]): Promise<boolean> {
  const from = entry.slice(0, entry.lastIndexOf("/"));
  const output = `${folder}/${name}.made`;
  if (!await compile({ folder: from, entry, output, v8Flags }, true)) return false;
  // How a file was written decides in how large pieces the kernel keeps it, and so how fast it starts, by up to a tenth.
  // Programs that are installed have been copied.
  await Deno.copyFile(output, `${folder}/${name}`);
  await Deno.remove(output);
  return true;
}

/** Whether a binary works: one with a runtime that is not the compiler's own, as DENORT_BIN may name, does not. */
async function starts(path: string): Promise<boolean> {
  return (await command([path], { stderr: "null" }).output()).success;
}
