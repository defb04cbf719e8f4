/** The page of all messages, from the sources. */

import { ExitCode } from "../../lib/exit_codes.ts";
import type { Message } from "./collect.ts";
import { type Group, GROUPS } from "./groups.ts";
import { MEANINGS } from "./meanings.ts";
import { HOLE } from "./values.ts";

/** A message as the page has it: with all cures. */
export interface Entry {
  readonly what: string;
  readonly meaning: string | undefined;
  readonly cures: readonly string[];
}

const HEAD = `<!-- Made from the sources by "scripts/deno task messages": change those, and run it again. -->

# Messages

This page lists the messages of sera, and what to do about each. Search it for a few words of your message: \`${HOLE}\`
stands for a part that varies, such as a name, a path, or a number. Many messages have two parts: what sera cannot do
and, after a colon, the reason. The reason then has a line of its own here. If you have an exit code but no message,
begin with [trouble](trouble.md).

Some messages end with what happens next, for example: \`stopping ${HOLE}, since another node may start it now\`.`;

/** The text of the page. */
export function pageOf(messages: readonly Message[]): string {
  const groups = GROUPS.toSorted((a, b) => orderOf(a) < orderOf(b) ? -1 : 1)
    .map((group) => ({ group, entries: entriesOf(group, messages) }));
  const index = groups.filter(({ entries }) => entries.length > 0).map(({ group }) =>
    `| ${codesOf(group)} | [${group.title}](#${anchorOf(group.title)}) |`
  );
  return [
    HEAD,
    ["| exit code | messages |", "| --- | --- |", ...index].join("\n"),
    ...groups.flatMap(({ group, entries }) =>
      entries.length === 0 ? [] : [`## ${group.title}`, group.about, entries.map(itemOf).join("\n")]
    ),
  ].join("\n\n") + "\n";
}

/** The beginnings of messages in the table of meanings that no message has. */
export function staleMeanings(messages: readonly Message[]): readonly string[] {
  return Object.keys(MEANINGS).filter((beginning) => !messages.some(({ what }) => what.startsWith(beginning)));
}

/** Each group's messages; the first group that has a message keeps it. */
export function groupOf(message: Message): Group {
  return GROUPS.find((group) => group.has(message))!;
}

/** By exit codes; what has none comes last. */
function orderOf({ codes: [code], title }: Group): string {
  return `${code === undefined ? 999 : ExitCode[code]} ${title}`;
}

function codesOf({ codes }: Group): string {
  return codes.map((code) => ExitCode[code]).join(", ");
}

function anchorOf(title: string): string {
  return title.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-");
}

/** The entries of a group, in the order of their words: whole sentences come first. */
export function entriesOf(group: Group, messages: readonly Message[]): readonly Entry[] {
  const own = withoutSpecial(messages.filter((message) => groupOf(message) === group));
  const byText = Map.groupBy(own, ({ what }) => what);
  return [...byText].map(([what, same]) => ({
    what,
    meaning: meaningOf(what),
    cures: withoutShorter([...new Set(same.flatMap(({ cure }) => cure ?? []))]),
  })).toSorted((a, b) => sortKey(a.what) < sortKey(b.what) ? -1 : 1);
}

function meaningOf(what: string): string | undefined {
  const beginning = Object.keys(MEANINGS).filter((beginning) => what.startsWith(beginning))
    .toSorted((a, b) => b.length - a.length)[0];
  return beginning === undefined ? undefined : MEANINGS[beginning];
}

/** Sentences come before reasons, and holes count as nothing. */
function sortKey(what: string): string {
  const words = what.replace(/^[^\p{L}]*/u, "");
  return `${/^\p{Lu}/u.test(what) ? 0 : 1} ${words.toLowerCase()} ${what}`;
}

/** The messages without those that a more general wording of the same place covers. */
function withoutSpecial(messages: readonly Message[]): readonly Message[] {
  return messages.filter((message) =>
    !messages.some((other) => {
      if (other.what === message.what) return false;
      if (bare(other.what) === bare(message.what)) return holesIn(other.what) > holesIn(message.what);
      if (other.what === `${message.what} (${HOLE})` || other.what === `${message.what}: ${HOLE}`) {
        return other.by === message.by;
      }
      const isSamePlace = other.path === message.path && other.at === message.at;
      return isSamePlace && (other.cure ?? message.cure) === (message.cure ?? other.cure) &&
        covers(other.what, message.what);
    })
  );
}

/** Whether a text with holes fits another one, not the other way round. */
function covers(general: string, special: string): boolean {
  return patternOf(general).test(special) && !patternOf(special).test(general);
}

/** A pattern for a message with placeholders. */
export function patternOf(what: string): RegExp {
  return new RegExp(
    `^${what.split(HOLE).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*")}$`,
    "s",
  );
}

function withoutShorter(cures: readonly string[]): readonly string[] {
  return cures.filter((cure) => !cures.some((other) => other !== cure && covers(other, cure)));
}

function bare(what: string): string {
  return what.replaceAll(/[^\p{L}\p{N}]/gu, "");
}

function holesIn(what: string): number {
  return what.split(HOLE).length;
}

function itemOf({ what, meaning, cures }: Entry): string {
  const fence = what.includes("`") ? "``" : "`";
  const about = meaning === undefined ? "" : ` — ${meaning}`;
  return [`- ${fence}${what}${fence}${about}`, ...cures.map((cure) => `  - ${escaped(cure)}`)].join("\n");
}

/** A cure as Markdown. */
function escaped(cure: string): string {
  return cure.replaceAll(/[\\<>*`[\]|#]/g, "\\$&").replaceAll(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, "\\_");
}
