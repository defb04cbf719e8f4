import { LockUnavailableError } from "../../errors.ts";
import { TimeLimit, unlessAborted } from "../../waiting.ts";
import { type EtcdAddress, shownEndpoint } from "./address.ts";
import { EtcdError } from "./errors.ts";
import { EtcdHttp } from "./http.ts";
import type { JsonObject } from "./json.ts";
import { Login } from "./login.ts";
import { Member } from "./member.ts";

/** How long a member may take to answer, in milliseconds. */
export const PATIENCE = 5000;

/** How to ask. */
export interface CallOptions {
  /** Ends the request. */
  readonly signal?: AbortSignal | undefined;
  /** How long each member may take to answer, in milliseconds. */
  readonly timeout?: number | undefined;
  /** Called before each member is asked: whatever the answer says happened after the last call. */
  readonly asking?: (() => void) | undefined;
  /**
   * Called with the pending answer of a member that did not answer in time. The request then goes on until the signal fires:
   * if every answer takes longer than the limit, requests that are aborted and repeated would never get one.
   */
  readonly late?: ((answer: Promise<JsonObject>) => void) | undefined;
}

/**
 * Asks an etcd cluster: one member, and if that fails, the next. A request may arrive twice, also at the same member, since
 * the runtime repeats it if a connection ends. So a request must do no harm if it is repeated.
 */
export class EtcdClient {
  readonly address: EtcdAddress;
  readonly #members: readonly Member[];
  readonly #closed = new AbortController();
  #present: Member;
  #http: Promise<EtcdHttp> | undefined;
  readonly #login: Login;

  /** Does not connect. */
  constructor(address: EtcdAddress) {
    this.address = address;
    this.#members = address.endpoints.map((endpoint) => new Member(endpoint, address));
    this.#present = this.#members[0]!;
    this.#login = new Login(address);
  }

  /** The member that is asked at present, for messages. */
  get where(): string {
    return this.#present.where;
  }

  /** All members of the address, for messages. */
  get whereAll(): string {
    return `etcd at ${this.address.endpoints.map(shownEndpoint).join(", and at ")}`;
  }

  /** Whether it has logged in: not if the address has no user, or if the server needs no login. */
  get isLoggedIn(): boolean {
    return this.#login.token !== undefined;
  }

  /**
   * Sends a request and waits for the answer. Each member is tried once, the present one first.
   *
   * @param path One of `Path`.
   * @throws {EtcdError} When etcd refuses, or no member can answer.
   * @throws {ConfigError} When a file for TLS cannot be used.
   * @throws The signal's reason when it is aborted.
   */
  async call(
    path: string,
    body: JsonObject,
    { signal, timeout = PATIENCE, asking, late }: CallOptions = {},
  ): Promise<JsonObject> {
    return await this.#anywhere(signal, async (member) => {
      asking?.();
      using limit = new TimeLimit(timeout, () => member.slow(timeout));
      const ends = late ? this.#ends(signal) : this.#ends(limit.signal, signal);
      const { calls: http } = await this.#opened();
      const answer = this.#login.use(member, { http, signal: ends }, (sending) => member.ask(path, body, sending));
      try {
        return await unlessAborted(limit.signal, answer);
      } catch (error) {
        if (limit.signal.aborted) late?.(this.#lateOf(member, answer));
        throw error;
      }
    });
  }

  /**
   * Sends a request with a stream of answers, such as a watch, over a connection of its own. Each member is tried once, until
   * one sends a first message. The stream ends only with an error, also if another request finds that the member no longer
   * answers.
   *
   * @param options `timeout` is for the first message: the others may come at any time.
   * @returns What stands in `result` of each message.
   * @throws As {@linkcode call}.
   */
  async *stream(
    path: string,
    body: JsonObject,
    { signal, timeout = PATIENCE }: CallOptions = {},
  ): AsyncGenerator<JsonObject, never> {
    const over = new AbortController();
    try {
      const { member, first, messages } = await this.#anywhere(signal, async (member) => {
        // Once disposed of, the limit ends nothing any more.
        using limit = new TimeLimit(timeout, () => member.slow(timeout));
        const ends = this.#ends(limit.signal, signal, member.down, over.signal);
        const { streams: http } = await this.#opened();
        return await this.#login.use(member, { http, signal: ends }, async (sending) => {
          const messages = member.follow(path, body, sending);
          return { member, first: (await messages.next()).value, messages };
        });
      });
      try {
        yield first;
        while (true) yield (await messages.next()).value;
      } catch (error) {
        if (error instanceof EtcdError && error.elsewhere) this.#leave(member, error);
        throw error;
      }
    } finally {
      over.abort();
    }
  }

  /** Ends all requests. */
  close(): void {
    this.#closed.abort(new LockUnavailableError("Cannot ask etcd: the client is closed"));
    this.#http?.then((http) => http[Symbol.dispose](), () => undefined);
    this.#http = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Does something with the present member, and when that fails with the others. */
  async #anywhere<T>(signal: AbortSignal | undefined, work: (member: Member) => Promise<T>): Promise<T> {
    const failures: EtcdError[] = [];
    const from = this.#members.indexOf(this.#present);
    for (const member of [...this.#members.slice(from), ...this.#members.slice(0, from)]) {
      try {
        const result = await work(member);
        if (failures.length > 0) this.#present = member;
        return result;
      } catch (error) {
        if (!(error instanceof EtcdError && error.elsewhere) || signal?.aborted) throw error;
        this.#leave(member, error);
        failures.push(error);
      }
    }
    throw this.#nowhere(failures);
  }

  /** Waits for a late answer, and makes that member the present one. */
  async #lateOf(member: Member, answer: Promise<JsonObject>): Promise<JsonObject> {
    const json = await answer;
    this.#present = member;
    return json;
  }

  /** Moves on to the next member, unless another request has done so; ends the requests to one that does not answer. */
  #leave(member: Member, why: EtcdError): void {
    if (why.code === undefined) member.isDown(why);
    if (this.#present !== member) return;
    this.#present = this.#members[(this.#members.indexOf(member) + 1) % this.#members.length]!;
  }

  /** The error if all members fail. The advice is that of a member that did answer, since it knows about the others. */
  #nowhere(failures: readonly EtcdError[]): EtcdError {
    const first = failures[0]!;
    if (failures.length === 1) return first;
    const each = failures.map(({ why, where = "" }) => `${why} (${where.replace("etcd at ", "")})`);
    return new EtcdError(this.whereAll, {
      what: failures.every(({ why }) => why === first.why) ? first.why : each.join(", "),
      cure: (failures.find(({ code }) => code !== undefined) ?? first).cure,
    }, {
      elsewhere: true,
      transient: failures.some(({ transient }) => transient),
      closed: failures.every(({ closed }) => closed),
    });
  }

  async #opened(): Promise<EtcdHttp> {
    this.#closed.signal.throwIfAborted();
    const http = await (this.#http ??= EtcdHttp.open(this.address));
    // A client that is created now would never be closed.
    this.#closed.signal.throwIfAborted();
    return http;
  }

  #ends(...signals: (AbortSignal | undefined)[]): AbortSignal {
    return AbortSignal.any([this.#closed.signal, ...signals.filter((signal) => signal !== undefined)]);
  }
}
