/**
 * Writes docs/messages.md, the page of all messages, from the sources: `scripts/deno task messages`.
 *
 * @module
 */
import { messagesIn } from "./messages/collect.ts";
import { pageOf, staleMeanings } from "./messages/page.ts";
import { sourcesIn } from "./messages/sources.ts";
import { ROOT } from "./root.ts";

/** Where the page is. */
export const PAGE: string = `${ROOT}/docs/messages.md`;

/** The page, formatted, and what is wrong with what it is made of. */
export async function makePage(): Promise<{ readonly text: string; readonly stale: readonly string[] }> {
  const messages = messagesIn(await sourcesIn("lib"));
  return { text: await formatted(pageOf(messages)), stale: staleMeanings(messages) };
}

/** Markdown as `deno fmt` wants it. */
async function formatted(text: string): Promise<string> {
  const formatter = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext", "md", "-"],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = formatter.output();
  const writer = formatter.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { success, stdout } = await output;
  if (!success) throw new Error("deno fmt has failed");
  return new TextDecoder().decode(stdout);
}

if (import.meta.main) {
  const { text, stale } = await makePage();
  await Deno.writeTextFile(PAGE, text);
  for (const beginning of stale) console.error(`scripts/messages/meanings.ts: no message begins with: ${beginning}`);
  if (stale.length > 0) Deno.exit(1);
}
