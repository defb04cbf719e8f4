/** Fresh data folders for servers. Making one takes a second; copying one takes next to nothing. */

import { isThere } from "../../lib/system/if_there.ts";
import { runTool } from "./tool.ts";

const templates = new Map<string, Promise<string>>();

/** The folders of the templates, to be removed when the tests end. */
export const templateFolders: string[] = [];

/**
 * Fills `folder`, which must not exist, with a fresh copy of what `make` makes. `make` is called once for each key in
 * the life of the process, or, when many run the tests together, for all of them.
 */
export async function copyTemplate(key: string, folder: string, make: (folder: string) => Promise<void>) {
  await runTool("cp", ["-R", await templateFolder(key, make), folder]);
}

/** The template itself, for files that are never changed. */
export function templateFolder(key: string, make: (folder: string) => Promise<void>): Promise<string> {
  let template = templates.get(key);
  if (template === undefined) {
    template = makeTemplate(key, make);
    templates.set(key, template);
  }
  return template;
}

async function makeTemplate(key: string, make: (folder: string) => Promise<void>): Promise<string> {
  const shared = Deno.env.get("SERA_TEST_TEMPLATES");
  if (shared !== undefined) return await makeForAll(`${shared}/${key}`, make);
  const parent = await Deno.makeTempDir({ prefix: "sera-template-" });
  if (templateFolders.length === 0) globalThis.addEventListener("unload", removeTemplates);
  templateFolders.push(parent);
  const folder = `${parent}/data`;
  await Deno.mkdir(folder);
  await make(folder);
  return folder;
}

/** Makes it in a folder that other processes of this run share, and that goes with the run, unless it is there. */
async function makeForAll(parent: string, make: (folder: string) => Promise<void>): Promise<string> {
  await Deno.mkdir(parent, { recursive: true });
  using lock = await Deno.open(`${parent}.lock`, { create: true, write: true });
  await lock.lock(true);
  const [made, folder] = [`${parent}/made`, `${parent}/data`];
  if (!isThere(made)) {
    // One that was not finished.
    if (isThere(folder)) await Deno.remove(folder, { recursive: true });
    await Deno.mkdir(folder);
    await make(folder);
    await Deno.writeTextFile(made, "");
  }
  return folder;
}

function removeTemplates() {
  for (const folder of templateFolders.splice(0)) Deno.removeSync(folder, { recursive: true });
}
