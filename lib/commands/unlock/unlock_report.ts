import { lineOf } from "../../errors.ts";
import type { Io } from "../../io.ts";
import { terminalWidth } from "../../system/terminal.ts";
import { formatDuration } from "../../text/duration.ts";
import { printableJson } from "../../text/printable.ts";
import { timeFormatAt } from "../../text/time.ts";
import { wrappedAt } from "../../text/wrapped.ts";
import type { HolderEnd } from "../../who/end_holder.ts";
import { holderText } from "../../who/holder_text.ts";
import { shownLock } from "../../who/names.ts";
import { sightingView } from "../../who/report.ts";
import type { Sighting } from "../../who/sighting.ts";
import { slotWords } from "../../who/slot_text.ts";
import { tidy } from "../../who/tidy.ts";
import type { LockQuery } from "../lock_query.ts";
import { whatIsAsked } from "../status/look_for.ts";

/** What `sera unlock` prints: sentences for people, or one JSON object. */
export class UnlockReport {
  readonly #io: Io;
  readonly #isJson: boolean;
  readonly #note: (message: string) => Promise<void>;

  constructor(io: Io, isJson: boolean, note: (message: string) => Promise<void>) {
    this.#io = io;
    this.#isJson = isJson;
    this.#note = note;
  }

  /** A note on progress, for people only. */
  async note(message: string): Promise<void> {
    if (!this.#isJson) await this.#note(message);
  }

  /** Nobody holds the lock. */
  free(asked: LockQuery): void {
    if (this.#isJson) return this.#json({ ...namesOf(asked), slots: null, holder: null, outcome: "free" });
    this.#io.out(`Free: nobody holds ${whatIsAsked(asked)}. To see what is held: sera status\n`);
  }

  /** Several holders were found, and none of them is ended. */
  async list(holders: readonly Sighting[]): Promise<void> {
    if (this.#isJson) return;
    const { sightingsTable } = await import("../../who/tables.ts");
    this.#io.out(sightingsTable(holders, { width: terminalWidth() }));
  }

  /** Shows the holder. */
  async holder(holder: Sighting): Promise<void> {
    if (this.#isJson && !Deno.stdin.isTerminal()) return;
    const width = terminalWidth(this.#isJson ? Deno.stderr : Deno.stdout);
    const who = holderText([holder], Date.now(), timeFormatAt(width)) ?? "somebody about whom the server shows nothing";
    const run = holder.runId === undefined ? "" : `, run ${holder.runId}`;
    const sentence = `${shownLock(tidy(holder))}${slotWords(holder)} is held by ${who}${run}.`;
    const isWide = sentence.length > (width ?? Infinity);
    const text = `${isWide ? sentence.replace(/, (?=(connected )?since )/, ",\n  ") : sentence}\n`;
    if (this.#isJson) this.#io.err(text);
    else this.#io.out(text);
    await this.#io.flush?.();
  }

  /** The user did not confirm. */
  declined(holder: Sighting): void {
    if (this.#isJson) return this.#json({ ...this.#about(holder), outcome: "declined" });
    this.#io.out("Left as it is.\n");
  }

  /**
   * What happened to the holder.
   *
   * @param unaskable Why it could not be asked.
   * @param wait How long it was waited for, in milliseconds.
   */
  ended(holder: Sighting, ended: HolderEnd, unaskable: string | undefined, wait: number): void {
    const { outcome } = ended;
    const until = ended.outcome === "forced" && ended.mayRun !== undefined ? Date.now() + ended.mayRun : undefined;
    const reason = reasonOf(ended, unaskable, wait);
    if (this.#isJson) {
      const mayRunUntil = until === undefined ? undefined : new Date(until).toISOString();
      return this.#json({ ...this.#about(holder), outcome }, mayRunUntil, reason);
    }
    const width = terminalWidth();
    const text = endText(ended, reason, until === undefined ? undefined : timeFormatAt(width)(until));
    this.#io.out(`${wrappedAt(text, width)}\n`);
  }

  #about({ lock, namespace, name, ...holder }: Sighting): object {
    return {
      ...namesOf({ lock, namespace, name }),
      slots: holder.slots ?? null,
      holder: sightingView({ lock, ...holder }),
    };
  }

  /** Prints an object that has the same keys whatever the outcome. */
  #json(value: object, mayRunUntil: string | null = null, reason: string | null = null): void {
    this.#io.out(`${printableJson({ ...value, may_run_until: mayRunUntil, reason })}\n`);
  }
}

function namesOf({ lock, namespace, name }: Pick<LockQuery, "lock" | "namespace" | "name">): object {
  return { lock: lock ?? null, namespace: namespace ?? null, name: name ?? null };
}

/** @param until Until when the holder may still run. */
function endText(ended: HolderEnd, reason: string | undefined, until: string | undefined): string {
  if (ended.outcome === "held") return `Still held: ${reason}`;
  if (ended.outcome === "released") return ended.why === "asked" ? "Released." : "Released: it ended by itself.";
  const running = until === undefined ? [] : [`the holder may still run until ${until}`];
  return `${["Released by force", ...running, ...reason === undefined ? [] : [reason]].join("; ")}.`;
}

function reasonOf(ended: HolderEnd, unaskable: string | undefined, wait: number): string | undefined {
  if (ended.outcome === "released") return undefined;
  if (ended.outcome === "forced") return ended.incomplete && lineOf(ended.incomplete);
  switch (ended.why) {
    case "unaskable":
      return `it cannot be asked, since ${unaskable}; use --force`;
    case "unanswered":
      return wait === 0
        ? "it was not asked; use --force"
        : `it did not end within ${formatDuration(Math.round(wait))}; use --force, or wait longer with --wait`;
    case "kept":
      return "it was ended, but something still holds the lock, such as a process that it started";
  }
}
