/** A server that keeps leases in memory, on the clock of `performance.now()`; a test can make statements fail. */

import type { Socket } from "node:net";
import { LockUnavailableError, troubleOf } from "../../../../lib/errors.ts";
import { Session } from "../../../../lib/backends/sql/session.ts";
import { sql } from "../../../../lib/backends/sql/statement.ts";

/** What happens to a statement. */
export type Fate =
  /** It is carried out and answered. */
  | "answered"
  /** It is carried out, and the connection ends before the answer comes. */
  | "unanswered"
  /** The connection ends before it comes to the server. */
  | "cut"
  /** It does not reach the server, and nothing is said. */
  | "ignored"
  /** It is refused. */
  | Refusal;

/** An error of the server's. */
export class Refusal extends Error {
  /** @param kind Whether it may pass; `in the way` is another transaction's fault. */
  constructor(message: string, readonly kind: "permanent" | "transient" | "in the way" = "permanent") {
    super(message);
  }
}

/** A row of the table. */
export interface FakeRow {
  owner: string | null;
  fence: bigint;
  beat: bigint;
  ttl: number;
  expires: number;
  readonly host: string;
}

/** How long an answer may take, in milliseconds. */
const ANSWER_TIMEOUT = 1000;

/** The server: its rows, its sessions, and the statements. */
export class FakeRows {
  readonly rows = new Map<string, FakeRow>();
  /** Each statement: its time, its text, and the number of its session. */
  readonly asked: { readonly at: number; readonly what: string; readonly session: number }[] = [];
  readonly sessions: Session[] = [];
  /** How far its clock is ahead, in milliseconds. */
  ahead = 0;
  /** How long it takes to answer, in milliseconds; with 0 no clock has to move. */
  latency = 0;
  /** Why connecting fails, if it does. */
  refuses: LockUnavailableError | undefined;
  /** Decides what happens to a statement, before it is executed. */
  fate: (what: string, session: number) => Fate = () => "answered";
  /** The statement that is just being sent. */
  #what = "";
  #act: () => unknown = () => undefined;

  /** By the server's clock. */
  get now(): number {
    return performance.now() + this.ahead;
  }

  /** The statements, in order. */
  get words(): readonly string[] {
    return this.asked.map(({ what }) => what);
  }

  open(): Session {
    if (this.refuses) throw this.refuses;
    const number = this.sessions.length + 1;
    const session: Session = new Session(
      `Server at place ${number}`,
      {
        query: (_statement, done) => this.#query(number, session, done),
        queryEach: () => {
          throw new Error("what goes together is the table's, and one statement here");
        },
        end: (done) => done(),
        destroy: () => undefined,
        socket: () => undefined as unknown as Socket,
      },
      { describe: troubleOf, isTransient: (error) => !(error instanceof Refusal) || error.kind !== "permanent" },
      ANSWER_TIMEOUT,
    );
    this.sessions.push(session);
    return session;
  }

  /** Sends a statement, which does `act` if it reaches the server; resolves with what that gave. */
  async ask<T>(querier: Pick<Session, "queryAll">, what: string, act: () => T): Promise<T> {
    this.#what = what;
    this.#act = act;
    const [row] = await querier.queryAll(sql`${0}`);
    return row?.result as T;
  }

  #query(number: number, session: Session, done: (error: unknown, rows: readonly { result: unknown }[]) => void) {
    const [what, act] = [this.#what, this.#act];
    this.asked.push({ at: performance.now(), what, session: number });
    const fate = this.fate(what, number);
    const result = fate === "answered" || fate === "unanswered" ? act() : undefined;
    if (fate === "answered") this.#later(() => done(undefined, [{ result }]));
    else if (fate instanceof Refusal) this.#later(() => done(fate, []));
    else if (fate !== "ignored") this.#later(() => session.ended(new Error("the connection was reset")));
  }

  #later(act: () => void): void {
    if (this.latency === 0) queueMicrotask(act);
    else setTimeout(act, this.latency);
  }
}

/** The error of a server that cannot be reached. */
export function refusal(what = "refused the connection", transient = true): LockUnavailableError {
  return LockUnavailableError.on("Server at place", { what, cure: "start it" }, { transient });
}
