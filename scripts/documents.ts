import { COMPLETIONS } from "./completions.ts";
import { manual } from "./manual.ts";
import { notices } from "./notices.ts";
import { ROOT } from "./root.ts";
import type { Bom } from "./sbom.ts";

/** The documents that are shipped with the binary: their names in an archive, and their texts. */
export type Documents = Readonly<Record<DocumentName, string>>;

/** The pages of the documentation are `docs/NAME.md`. */
export type DocumentName =
  | `docs/${string}`
  | "README.md"
  | "CHANGELOG.md"
  | "LICENSE"
  | "THIRD-PARTY-NOTICES"
  | "sera.1"
  | "completions/sera.bash"
  | "completions/_sera"
  | "completions/sera.fish";

/**
 * Makes the documents that are shipped with the binary.
 *
 * @param date The date of the manual page, in seconds since 1970.
 */
export async function makeDocuments(bom: Bom, date: number): Promise<Documents> {
  const read = (name: string) => Deno.readTextFile(`${ROOT}/${name}`);
  const pages = [...Deno.readDirSync(`${ROOT}/docs`)].map(({ name }) => `docs/${name}` as const);
  return {
    ...Object.fromEntries(await Promise.all(pages.map(async (page) => [page, await read(page)]))),
    "README.md": await read("README.md"),
    "CHANGELOG.md": await read("CHANGELOG.md"),
    "LICENSE": await read("LICENSE"),
    "THIRD-PARTY-NOTICES": await notices(bom),
    "sera.1": manual(new Date(1000 * date)),
    "completions/sera.bash": COMPLETIONS["bash"]!(),
    "completions/_sera": COMPLETIONS["zsh"]!(),
    "completions/sera.fish": COMPLETIONS["fish"]!(),
  };
}
