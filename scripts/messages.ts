/**
 * Writes docs/messages.md, the page of all messages, from the sources: `scripts/deno task messages`.
 *
 * @module
 */
import { type Message, messagesIn } from "./messages/collect.ts";
import { pageOf, staleMeanings } from "./messages/page.ts";
import { sourcesIn } from "./messages/sources.ts";
import { ROOT } from "./root.ts";

/** Where the page is. */
export const PAGE: string = `${ROOT}/docs/messages.md`;

/** All messages of the program. */
export async function messagesOfProgram(): Promise<readonly Message[]> {
  return messagesIn(await sourcesIn("lib"));
}

/** The page, formatted, and the meanings of messages that are gone. */
export async function makePage(
  messages: readonly Message[],
): Promise<{ readonly text: string; readonly stale: readonly string[] }> {
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
  const { text, stale } = await makePage(await messagesOfProgram());
  await Deno.writeTextFile(PAGE, text);
  for (const beginning of stale) console.error(`scripts/messages/meanings.ts: no message begins with: ${beginning}`);
  if (stale.length > 0) Deno.exit(1);
}
