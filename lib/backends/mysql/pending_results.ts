import { broken } from "./packets.ts";

/** The results that a server still has to send: one for each statement of each message, until a statement fails. */
export class PendingResults {
  /** For each message that is not yet fully answered, how many results may still come. */
  readonly #counts: number[] = [];

  /** Whether no message is left to be answered. */
  get none(): boolean {
    return this.#counts.length === 0;
  }

  /** Call this for each message before it is sent, with how many statements it has. */
  sent(statements: number): void {
    this.#counts.push(statements);
  }

  /**
   * Checks whether a result may announce another one, which it may if another statement was sent with this one.
   *
   * @throws {ProtocolError} When there was none.
   */
  check(announcesMore: boolean): void {
    if (announcesMore && (this.#counts[0] ?? 1) < 2) throw broken("more results than asked for");
  }

  /**
   * One result has ended.
   *
   * @returns Whether another one follows.
   * @throws {ProtocolError} When one is announced that may not follow.
   */
  moreFollow(announcesMore: boolean): boolean {
    this.check(announcesMore);
    if (announcesMore) this.#counts[0]!--;
    return announcesMore;
  }

  /** The answer to a message has ended, or the login. */
  answered(): void {
    this.#counts.shift();
  }
}
