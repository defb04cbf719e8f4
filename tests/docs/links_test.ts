import assert from "node:assert/strict";
import { anchors, exists, page, pages, prose } from "./markdown.ts";

/** Where a link of a page leads to, from the project's root, and the anchor there. */
function targetOf(from: string, link: string): { readonly path: string; readonly anchor: string | undefined } {
  const url = new URL(link, `file:///${from}`);
  return { path: decodeURIComponent(url.pathname.slice(1)), anchor: url.hash.slice(1) || undefined };
}

Deno.test("every relative link in the Markdown files leads somewhere", () => {
  const broken: string[] = [];
  let seen = 0;
  for (const from of pages()) {
    for (const [, link] of prose(from).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link!)) continue;
      seen++;
      const { path, anchor } = targetOf(from.path, link!);
      const found = exists(path) && (anchor === undefined || anchors(page(path)).has(anchor));
      if (!found) broken.push(`${from.path}: ${link}`);
    }
  }
  assert.deepEqual(broken, []);
  assert.ok(seen > 20, `only ${seen} links were found`);
});

Deno.test("the README leads to every page of docs/", () => {
  const text = prose(page("README.md"));
  const missing = pages().filter(({ path }) => path.startsWith("docs/") && !text.includes(`](${path}`));
  assert.deepEqual(missing.map(({ path }) => path), []);
});

Deno.test("every test that a page names is there", () => {
  const missing = pages().flatMap(({ path, text }) =>
    [...text.matchAll(/`(tests\/[^`\s]+)`/g)]
      .filter(([, test]) => !exists(test!))
      .map(([, test]) => `${path}: ${test}`)
  );
  assert.deepEqual(missing, []);
});
