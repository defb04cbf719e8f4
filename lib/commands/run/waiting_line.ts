import type { Deadline } from "../../deadline.ts";
import { delayOrAbort, TimeLimit } from "../../waiting.ts";
import { look } from "../../who/look.ts";
import { type AwaitedHolder, awaitedHolder, waitingText } from "../../who/waiting_text.ts";
import { backendOptions } from "../backend_options.ts";
import { type LiveText, SECOND, showLiveLine } from "./live_line.ts";
import type { Job } from "./job.ts";
import { NO_LOCK } from "../no_lock.ts";

/**
 * How often to look who holds the lock, in milliseconds. A look is a connection of its own, which leaves the wait alone; an
 * open one would take a server's place for as long as somebody waits.
 */
const LOOK_EVERY = 10 * SECOND;

/** The longest look, in milliseconds, so that the next one begins in time. */
const LOOK_TIMEOUT = 5 * SECOND;

/**
 * Tells at the terminal whom sera waits for, in a line that counts: who holds the lock, since when, and how long sera goes
 * on waiting. On a dumb terminal each holder gets a line of its own.
 *
 * @param over Fires when the wait is over.
 */
export async function showWait(job: Job, deadline: Deadline, over: AbortSignal): Promise<void> {
  await showLiveLine(job.io, deadline, over, new Wait(job, deadline, over));
}

class Wait implements LiveText {
  readonly #job: Job;
  readonly #deadline: Deadline;
  readonly #over: AbortSignal;
  #holder: AwaitedHolder | undefined;
  /** When the holder was looked at, on the clock of performance.now(). */
  #lookedAt = 0;
  #nextLook = 0;

  constructor(job: Job, deadline: Deadline, over: AbortSignal) {
    this.#job = job;
    this.#deadline = deadline;
    this.#over = over;
  }

  text(width?: number): string {
    return waitingText(this.#holder, performance.now() - this.#lookedAt, this.#deadline.remaining, width);
  }

  subject(): string | undefined {
    return this.#holder?.who;
  }

  async beforeDrawing(draw: () => void): Promise<void> {
    if (performance.now() < this.#nextLook) return;
    this.#nextLook = performance.now() + LOOK_EVERY;
    const looked = this.#look().then(draw);
    // So that the first line can name the holder.
    if (this.#lookedAt === 0) await Promise.race([looked, delayOrAbort(SECOND, this.#over)]);
  }

  /** Looks who holds the lock. If that fails the line says less. */
  async #look(): Promise<void> {
    const { settings, identity: { all: locks }, limits: { slots }, io } = this.#job;
    const { server, ledger } = settings;
    let holder;
    try {
      using limit = new TimeLimit(LOOK_TIMEOUT, () => new Error("the look took too long"));
      const signal = AbortSignal.any([this.#over, limit.signal]);
      await using observer = await server.observe(NO_LOCK, backendOptions(settings, "status", io), signal);
      const sightings = [];
      for (const { name: lock } of locks) {
        sightings.push(...(await look({ lock }, () => observer.sightings({ lock }, ledger.table, signal))).sightings);
      }
      holder = awaitedHolder(sightings, { host: Deno.hostname(), pid: Deno.pid }, { locks, slots });
    } catch {
      // It is told less.
    }
    this.#holder = holder;
    this.#lookedAt = performance.now();
  }
}
