import type { MySqlDsn } from "../config/mysql/dsn.ts";
import { type Deadline, delayOrAbort } from "../deadline.ts";
import { LockUnavailableError } from "../errors.ts";
import type { HeldLock } from "./lock.ts";
import { openMySqlSession } from "./mysql_session.ts";
import type { Session } from "./session.ts";
import { SessionBackend } from "./session_backend.ts";
import { SessionLock } from "./session_lock.ts";

/** The longest wait to ask a server for in one go, in seconds. TiDB clamps to an hour; the others have no such bound. */
const LONGEST_SERVER_WAIT = 3600;

/**
 * How far the server's answer to a wait may lie behind the deadline, in milliseconds, for the server to be waited for.
 * Servers count whole seconds (MySQL drops a fraction), so that a wait such as 1500ms ends by our own clock.
 */
const ROUNDING = 100;

/** Locks with `GET_LOCK` of MySQL or MariaDB. */
export class MySqlBackend extends SessionBackend<Session> {
  readonly #dsn: MySqlDsn;
  readonly #name: string;
  readonly #tlsCa: string | undefined;

  /**
   * @param name The lock's name, in letters and digits.
   * @param tlsCa PEM file with the CA that signed the server's certificate.
   */
  constructor(dsn: MySqlDsn, name: string, tlsCa?: string) {
    super();
    this.#dsn = dsn;
    this.#name = name;
    this.#tlsCa = tlsCa;
  }

  protected override open(signal: AbortSignal): Promise<Session> {
    return openMySqlSession(this.#dsn, this.#tlsCa, signal);
  }

  protected override async attempt(
    session: Session,
    deadline: Deadline,
    signal: AbortSignal,
  ): Promise<HeldLock | undefined> {
    for (;;) {
      const remaining = deadline.remaining;
      const seconds = Math.min(Math.ceil(Math.max(0, remaining - ROUNDING) / 1000), LONGEST_SERVER_WAIT);
      const byServer = seconds * 1000 - remaining <= ROUNDING;
      const query = session.query(`SELECT GET_LOCK('${this.#name}', ${seconds}) AS got`, {
        signal,
        serverTime: seconds * 1000,
      });
      const row = byServer ? await query : await orGiveUp(session, query, remaining);
      if (!row) return undefined;
      if (row.got === null) {
        throw new LockUnavailableError(
          `Cannot lock on ${session.where}: the server broke the request off (a killed query, a time limit, or no memory)`,
          true,
        );
      }
      if (Number(row.got) === 1) return await this.#verified(session);
      if (deadline.remaining <= ROUNDING) return undefined;
      // The server waited less than it was asked to. Should it not wait at all, do not keep it busy.
      await delayOrAbort(ROUNDING, signal);
      signal.throwIfAborted();
    }
  }

  /** Makes sure that it is this very session that holds the lock: a proxy may have sent the two elsewhere. */
  async #verified(session: Session): Promise<HeldLock> {
    const mine = `IS_USED_LOCK('${this.#name}') = CONNECTION_ID() AS mine`;
    const row = await session.query(`SELECT ${mine}, @@SESSION.wait_timeout AS idle`);
    if (Number(row.mine) !== 1) {
      throw new LockUnavailableError(
        `Cannot lock on ${session.where}: the server does not keep the lock with this connection; a proxy may move ` +
          "connections between servers, connect to the server itself",
      );
    }
    return new SessionLock(session, {
      isHeld: async () => Number((await session.query(`SELECT ${mine}`)).mine) === 1,
      release: async () =>
        Number((await session.query(`SELECT RELEASE_LOCK('${this.#name}') AS released`)).released) === 1,
      idleTimeout: Number(row.idle) * 1000,
    });
  }
}

/** Ends a wait by our own clock. Closing the session takes the request back, also one that is granted just now. */
async function orGiveUp<T>(session: Session, query: Promise<T>, remaining: number): Promise<T | undefined> {
  const answered = new AbortController();
  const done = query.finally(() => answered.abort());
  const gaveUp = delayOrAbort(remaining, answered.signal).then(() => undefined);
  // A tie goes to the answer: it may be a lock.
  const result = await Promise.race([done, gaveUp.then(() => answered.signal.aborted ? done : undefined)]);
  if (!answered.signal.aborted) {
    done.catch(() => undefined);
    session.destroy();
  }
  return result;
}
