/** Fresh data folders for servers. Making one takes a second; copying one takes next to nothing. */

import { runTool } from "./tool.ts";

const templates = new Map<string, Promise<string>>();

/** The folders of the templates, to be removed when the tests end. */
export const templateFolders: string[] = [];

/**
 * Fills `folder`, which must not exist, with a fresh copy of what `make` makes. `make` is called once for each key in
 * the life of the process, or of the test file, since `deno test` loads modules anew for each.
 */
export async function copyTemplate(key: string, folder: string, make: (folder: string) => Promise<void>) {
  await runTool("cp", ["-R", await templateFolder(key, make), folder]);
}

/** The template itself, for files that nobody changes. */
export function templateFolder(key: string, make: (folder: string) => Promise<void>): Promise<string> {
  let template = templates.get(key);
  if (template === undefined) {
    template = makeTemplate(make);
    templates.set(key, template);
  }
  return template;
}

async function makeTemplate(make: (folder: string) => Promise<void>): Promise<string> {
  const parent = await Deno.makeTempDir({ prefix: "sera-template-" });
  if (templateFolders.length === 0) globalThis.addEventListener("unload", removeTemplates);
  templateFolders.push(parent);
  const folder = `${parent}/data`;
  await Deno.mkdir(folder);
  await make(folder);
  return folder;
}

function removeTemplates() {
  for (const folder of templateFolders.splice(0)) Deno.removeSync(folder, { recursive: true });
}
