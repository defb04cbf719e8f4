/** What tests look at in the project's Markdown files. */

const ROOT = Deno.realPathSync(`${import.meta.dirname}/../..`);

/** A Markdown file of the project. */
export interface Page {
  /** Its path from the project's root. */
  readonly path: string;
  readonly text: string;
}

/** Some code on a page. */
export interface Example {
  /** What stands behind the fence. */
  readonly language: string;
  readonly text: string;
}

/** All pages for users: those of the root folder and of docs/. */
export function pages(): Page[] {
  return ["", "docs/"].flatMap((folder) =>
    [...Deno.readDirSync(`${ROOT}/${folder}`)]
      .filter(({ isFile, name }) => isFile && name.endsWith(".md"))
      .map(({ name }) => page(folder + name))
  );
}

/** The page of this path. */
export function page(path: string): Page {
  return { path, text: Deno.readTextFileSync(`${ROOT}/${path}`) };
}

/** Whether there is such a file or folder in the project. */
export function exists(path: string): boolean {
  try {
    Deno.statSync(`${ROOT}/${path}`);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * The example that is a whole file: its first line, or the second of a script, is a comment that begins with the file's
 * path.
 */
export function fileExample(path: string, from: Page): string {
  const found = examples(from).filter(({ text }) => {
    const [first, second] = text.split("\n");
    const comment = first!.startsWith("#!") ? second! : first!;
    return /^# ([^\s:]+)/.exec(comment)?.[1] === path;
  });
  if (found.length !== 1) throw new Error(`${found.length} examples in ${from.path} are of the file ${path}`);
  return found[0]!.text;
}

/** The fenced examples of a page, also those in lists. */
export function examples({ text }: Page): Example[] {
  return [...text.matchAll(/^( *)```(\w+)\n(.*?)^ *```$/gms)].map(([, indent, language, block]) => ({
    language: language!,
    text: block!.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  }));
}

/** A page's text without its code. */
export function prose({ text }: Page): string {
  return text.replaceAll(/^( *)```.*?^ *```$/gms, "").replaceAll(/^ {4}.*$/gm, "").replaceAll(/`[^`\n]*`/g, "");
}

/** The anchors that GitHub gives the headings of a page. */
export function anchors({ text }: Page): Set<string> {
  const outside = text.replaceAll(/^( *)```.*?^ *```$/gms, "");
  const found = new Set<string>();
  for (const [, heading] of outside.matchAll(/^#+ (.*)$/gm)) {
    const plain = heading!.toLowerCase().replaceAll(/[^\p{L}\p{N}\p{M}\s_-]/gu, "").replaceAll(/\s/g, "-");
    let anchor = plain;
    for (let n = 1; found.has(anchor); n++) anchor = `${plain}-${n}`;
    found.add(anchor);
  }
  return found;
}

/** The rows of the table that follows this heading, without its head; a cell is its Markdown. */
export function tableUnder(heading: string, { path, text }: Page): string[][] {
  const from = text.indexOf(`\n${heading}\n`);
  const section = text.slice(from + 1).split(/^#+ /m)[1] ?? "";
  const rows = [...section.matchAll(/^\|(.*)\|$/gm)].slice(2);
  if (from < 0 || rows.length === 0) throw new Error(`no table under ${heading} in ${path}`);
  return rows.map(([, row]) => row!.split(/(?<!\\)\|/).map((cell) => cell.trim()));
}
