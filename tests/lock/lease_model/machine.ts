import type { Schedule } from "./schedule.ts";
import type { Node } from "./server.ts";
import type { Connection } from "./sessions.ts";
import { TTLS } from "./world.ts";

/** Less than this is no time, in milliseconds. */
const INSTANT = 0.001;

/** A machine with one sera, which can be stopped and killed, and which talks to the servers over one connection. */
export abstract class Machine {
  protected readonly all: Schedule;
  readonly #name: string;
  /** In milliseconds. */
  protected readonly ttl: number;
  /** How long it waits for an answer until it connects anew, in milliseconds. */
  readonly #patience: number;
  /** Its clock: its speed, and its reading at the start. */
  readonly #rate: number;
  readonly #origin: number;
  #pausedUntil = 0;
  #isGone = false;
  #connection: Connection | undefined;
  /** How often it has begun to connect, or ceased to. */
  #attempts = 0;

  constructor(all: Schedule, name: string) {
    const { dice, world } = all;
    this.all = all;
    this.#name = name;
    this.ttl = dice.pick(TTLS);
    this.#patience = world.breaks ? dice.between(200, 2 * this.ttl) : Infinity;
    this.#rate = dice.between(0.99, 1.01);
    this.#origin = dice.upTo(1e6);
  }

  /** Whether it will do nothing any more. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Stops it for a while, as by SIGSTOP; its command and the helper shell go on. */
  stop(length: number): void {
    this.note("is stopped");
    this.#pausedUntil = Math.max(this.#pausedUntil, this.all.agenda.now + length);
  }

  /** Ends it, as by SIGKILL; its command may go on for a while. */
  kill(): void {
    this.note("is gone");
    this.#isGone = true;
    this.disconnect();
  }

  /** Called when there is a connection, and when there is another one. */
  protected abstract connected(): void;

  /** Called when a connection is of no use any more, before there is another. Returns whether to connect anew. */
  protected abstract goesOn(): boolean;

  protected get connection(): Connection | undefined {
    return this.#connection;
  }

  /** The machine's clock, in milliseconds. */
  protected get clock(): number {
    return this.#origin + this.all.agenda.now * this.#rate;
  }

  /** What happens on this machine after so many milliseconds of its clock, whatever becomes of sera. */
  protected in(delay: number, run: () => void): void {
    this.all.agenda.in(Math.max(0, delay) / this.#rate, run);
  }

  /** Does something as soon as sera is not stopped. */
  protected do(run: () => void): void {
    if (this.#isGone) return;
    const paused = this.#pausedUntil - this.all.agenda.now;
    if (paused < INSTANT) run();
    else this.all.agenda.in(paused, () => this.do(run));
  }

  /** Does something on the connection that there is now, after so many milliseconds; nothing if that is given up. */
  protected later(delay: number, run: () => void): void {
    const connection = this.#connection;
    this.in(delay, () => this.#heard(connection, run));
  }

  protected connectIn(delay: number): void {
    const attempt = ++this.#attempts;
    this.in(delay, () => this.do(() => attempt === this.#attempts && this.#connect()));
  }

  #connect(): void {
    const { dice, nodes, sessions } = this.all;
    const node = dice.pick(nodes);
    if (!node.isUp) return this.connectIn(dice.between(100, 500));
    const connection = this.#connection = sessions.open(node, () => this.tell(connection, () => this.#reconnect()));
    this.connected();
  }

  #reconnect(): void {
    this.disconnect();
    if (!this.goesOn()) return;
    this.note("connects anew");
    this.connectIn(this.all.dice.between(1, 300));
  }

  /** Drops the connection. The server notices later; until then it executes pending requests. */
  protected disconnect(): void {
    const { dice, sessions, network } = this.all;
    const connection = this.#connection;
    this.#connection = undefined;
    this.#attempts++;
    if (connection) this.in(dice.upTo(network.isCalm ? 100 : this.ttl), () => sessions.close(connection));
  }

  /**
   * Asks a server for something over the connection; does nothing while there is none.
   *
   * @param answered Called with the answer if it comes in time, and when the request was sent by this machine's clock.
   */
  protected ask<T>(what: string, execute: (node: Node) => T, answered: (answer: T, sent: number) => void): void {
    const { agenda, network } = this.all;
    const connection = this.#connection;
    if (!connection) return;
    const sent = this.clock;
    const [there, back] = [network.delay(), network.delay()];
    const isInTime = there + back < this.#patience;
    if (!isInTime) this.in(this.#patience, () => this.#heard(connection, () => this.#reconnect()));
    if (there === Infinity) return;
    agenda.in(there, () => {
      const answer = connection.isServed ? { is: execute(connection.node) } : undefined;
      this.all.note?.(`${this.#name} ${what}: ${answer ? answer.is : "not served"}${isInTime ? "" : ", unheard"}`);
      if (!isInTime) return;
      agenda.in(back, () => this.#heard(connection, () => answer ? answered(answer.is, sent) : this.#reconnect()));
    });
  }

  /** The server tells the client something. If that gets lost, the client finds out in time, and connects anew. */
  protected tell(connection: Connection, hear: () => void): void {
    const delay = this.all.network.delay();
    const isInTime = delay < this.#patience;
    this.in(Math.min(delay, this.#patience), () => this.#heard(connection, isInTime ? hear : () => this.#reconnect()));
  }

  /** Does what an event of a connection asks for, if it is still in use. */
  #heard(connection: Connection | undefined, run: () => void): void {
    this.do(() => {
      if (connection !== undefined && connection === this.#connection) run();
    });
  }

  protected note(what: string): void {
    this.all.note?.(`${this.#name} ${what}`);
  }
}
