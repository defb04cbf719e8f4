import { LockUnavailableError } from "../../errors.ts";
import type { LeaseTerms } from "../../lock/lease.ts";
import { Session } from "../sql/session.ts";
import { join, sql, type Statement } from "../sql/statement.ts";
import { asDriver, type Client, enablePipelining, loginPidOf, loginTripsOf } from "./driver.ts";
import { describePostgresError, isTransientInSession } from "./errors.ts";
import type { PostgresHost } from "./server.ts";
import { type Facts, IDLE, leasedSettings } from "./set_up.ts";

/** One connection to a PostgreSQL server, never replaced by another. */
export class PostgresSession extends Session {
  /** The id of the server process for this session. */
  readonly pid: number;
  /** Whether a pooler is in between: the process id that it sends at login is not that of the server process. */
  readonly pooled: boolean;
  /** The host that it is connected to, if it is known. */
  readonly host: PostgresHost | undefined;
  /** Called with the channel of each notification. */
  notified: ((channel: string) => void) | undefined;
  readonly #client: Client;
  readonly #facts: Facts;
  #idleTimeout: number;
  #hasSessionLocks: boolean;

  /** @internal For `openPostgresSession()`. */
  constructor(
    where: string,
    client: Client,
    facts: Facts,
    answerTimeout: number,
    { host, leased = false }: { readonly host?: PostgresHost; readonly leased?: boolean | undefined } = {},
  ) {
    super(where, asDriver(client), TRANSLATOR, answerTimeout);
    this.#client = client;
    client.on("notification", ({ channel }) => this.notified?.(channel));
    this.#facts = facts;
    this.pid = facts.whole("pid");
    this.pooled = loginPidOf(client) !== this.pid;
    this.oneAtATime = this.pooled;
    if (!this.pooled) enablePipelining(client);
    this.host = host;
    this.#idleTimeout = facts.number("idle") || Infinity;
    this.#hasSessionLocks = !leased || !this.pooled;
  }

  /** After how many idle milliseconds the server ends the session; `Infinity` for never. */
  get idleTimeout(): number {
    return this.#idleTimeout;
  }

  /**
   * Whether the server session, and so the locks taken in it, belong to this connection until that ends. Known for a leased
   * session; for others, a check comes later.
   */
  get hasSessionLocks(): boolean {
    return this.#hasSessionLocks;
  }

  /** Undefined where a pooler may run each statement in another server session. */
  override get number(): number | undefined {
    return this.#hasSessionLocks ? this.pid : undefined;
  }

  /** The server's start time: two servers hardly ever start in the same microsecond. */
  override get serverMark(): string {
    return this.#facts.text("born");
  }

  /** How many round trips the login took, once it was connected. */
  get loginTrips(): number {
    return loginTripsOf(this.#client);
  }

  /**
   * Runs a statement, and ignores its failure unless that ends the connection.
   *
   * @throws {LockUnavailableError} When the connection has ended.
   */
  async attempt(statement: Statement, signal?: AbortSignal): Promise<void> {
    try {
      await this.query(statement, { signal });
    } catch (error) {
      if (!(error instanceof LockUnavailableError) || this.closed.aborted) throw error;
    }
  }

  /** Shows the mark to others, in case the last statement was too long to show it. Does not wait for the answer. */
  show(): void {
    this.query(sql`SELECT`, { serverTime: Infinity }).catch(() => undefined);
  }

  /**
   * Call this for a leased session once its pooler is known to assign the server session to this connection until that
   * ends. Applies the settings that a direct connection has from the beginning.
   *
   * @throws {LockUnavailableError} When the connection has ended.
   */
  async becomeOwn(lease: LeaseTerms, signal: AbortSignal): Promise<void> {
    const settings = leasedSettings(lease).map((setting) => sql`${setting} AS set_config`);
    let row;
    try {
      row = await this.query(sql`SELECT ${join(settings)}, ${IDLE}`, { signal });
    } catch (error) {
      if (!(error instanceof LockUnavailableError) || this.closed.aborted) throw error;
      for (const setting of settings) await this.attempt(sql`SELECT ${setting}`, signal);
      row = await this.query(sql`SELECT ${IDLE}`, { signal });
    }
    this.#idleTimeout = Number(row.idle) || Infinity;
    this.#hasSessionLocks = true;
  }
}

const TRANSLATOR = { describe: describePostgresError, isTransient: isTransientInSession };
