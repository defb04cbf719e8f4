import type { Ownership, TakeFrom } from "../../../lib/backends/sql/lease/row.ts";
import { DURABLE_BEATS_PER_TTL, endsAfter, heartbeatOf, type LeaseTerms, stopsAfter } from "../../../lib/lock/lease.ts";
import { ExpiryWatch, marginOf } from "../../../lib/lock/expiry_watch.ts";
import { Command } from "./command.ts";
import { Machine } from "./machine.ts";
import type { Schedule } from "./schedule.ts";
import type { Connection } from "./sessions.ts";

/** The pauses between two looks of a waiter, in milliseconds: they double from the first to the longest. */
const FIRST_PAUSE = 100;
const MAX_PAUSE = 1000;
/** How old a renewal may be to start a command without another one, in milliseconds. */
const FRESH = 1000;

/** One acquisition of the lock. */
interface Attempt {
  readonly owner: string;
  /** Whether it gives up if the lock is held, as with a wait of 0. */
  readonly once: boolean;
  readonly expiry: ExpiryWatch;
  step: "acquires" | "holds" | "releases" | "takes back" | "is over";
  /** Since when it has looked at the row, in true time. */
  lookingSince?: number;
  hasLooked: boolean;
  /** The connection that has asked for the session lock. */
  queuedIn?: Connection;
  pause: number;
  lease?: Ownership;
  /** When the last renewal that was answered was sent, by the machine's clock. */
  confirmed: number;
  command?: Command;
}

/** A sera that wants the lock once or several times, and runs a command under it. */
export class Client extends Machine {
  readonly #terms: LeaseTerms;
  #wanted: number;
  #my: Attempt;

  constructor(all: Schedule, readonly name: string) {
    super(all, name);
    this.#terms = { ttl: this.ttl, grace: 0, beats: DURABLE_BEATS_PER_TTL };
    this.#wanted = all.dice.chance(0.5) ? 1 : 2;
    this.#my = this.#attempt();
    this.connectIn(this.#rest());
  }

  override kill(): void {
    super.kill();
    const { command } = this.#my;
    this.in(this.all.dice.upTo(this.#left), () => command?.end());
  }

  #attempt(): Attempt {
    return {
      owner: `${this.name}${this.#wanted}`,
      once: this.all.dice.chance(0.3),
      expiry: new ExpiryWatch(),
      step: "acquires",
      hasLooked: false,
      pause: FIRST_PAUSE,
      confirmed: 0,
    };
  }

  protected override connected(): void {
    const { step } = this.#my;
    if (step === "holds") this.#renew();
    else if (step === "releases") this.#release();
    else if (step === "takes back") this.#takeBack();
    else if (this.all.world.sessionLocks) this.#queue();
    else this.#look();
  }

  protected override goesOn(): boolean {
    const my = this.#my;
    if (my.step === "acquires" && my.once) this.all.dice.chance(0.5) ? my.step = "takes back" : this.#finish();
    return this.#my.step !== "is over";
  }

  // It acquires.

  #queue(): void {
    const { sessions } = this.all;
    const connection = this.connection!;
    const granted = () => this.tell(connection, () => this.#look());
    const { once } = this.#my;
    this.#my.queuedIn = connection;
    this.ask("asks for the session lock", () => sessions.ask(connection, once ? undefined : granted), (isFree) => {
      if (isFree) this.#look();
      else if (once) this.#finish();
    });
  }

  /** Only the first look goes by a server's clock. */
  #look(): void {
    const { world, agenda, flaw } = this.all;
    this.#my.lookingSince ??= agenda.now;
    if (this.#my.hasLooked) return this.#read();
    const slack = flaw === "leaves a server's clock no margin" ? 0 : marginOf(this.ttl);
    this.#claim(world.firstLookByClock ? { slack, ttls: world.sessionLocks ? 0 : 1 } : "nobody");
  }

  #read(): void {
    this.ask("reads", () => this.all.read(), (lease, sent) => {
      const my = this.#my;
      my.expiry.observe(lease, this.all.flaw === "counts the silence from the question" ? sent : this.clock);
      if (!lease) return this.#claim("nobody");
      const pause = my.pause * this.all.dice.between(0.5, 1.5);
      my.pause = Math.min(2 * my.pause, MAX_PAUSE);
      this.later(Math.min(pause, my.expiry.remaining(this.clock)), () => this.#readOrTakeOver());
    });
  }

  #readOrTakeOver(): void {
    const seen = this.#my.expiry.expired(this.clock);
    if (seen && this.all.flaw !== "never takes over") this.#claim({ seen });
    else this.#read();
  }

  #claim(from: TakeFrom): void {
    const { server, flaw } = this.all;
    const claim = { owner: this.#my.owner, ttl: this.ttl, from };
    if (flaw === "reads, then writes") {
      return this.ask("reads", () => server.read(), (lease) => {
        if (lease && !isOfSilent(from)) this.#claimed(undefined, 0);
        else this.ask("writes", (node) => server.take(node, claim, true), this.#claimed);
      });
    }
    this.ask("claims", (node) => {
      const { changed } = server;
      const before = server.read();
      const fence = server.claim(node, claim);
      if (fence !== undefined && before && before.owner !== claim.owner) {
        this.all.tookOver(before, isOfSilent(from), changed, this.#my.lookingSince!);
      }
      return fence;
    }, this.#claimed);
  }

  readonly #claimed = (fence: bigint | undefined, sent: number): void => {
    const my = this.#my;
    my.hasLooked = true;
    if (fence === undefined) return my.once ? this.#finish() : this.#read();
    my.step = "holds";
    my.lease = { owner: my.owner, fence };
    this.#confirm(sent);
  };

  /** Frees a lease that may be its own without its knowing, since an answer got lost. */
  #takeBack(): void {
    const { server } = this.all;
    this.ask("reads", () => server.read(), (lease) => {
      if (lease?.owner !== this.#my.owner) return this.#finish();
      this.ask("releases", (node) => server.release(node, lease), () => this.#finish());
    });
  }

  // It holds.

  #confirm(sent: number): void {
    const my = this.#my;
    my.confirmed = this.all.flaw === "counts the fence from the answer" ? this.clock : sent;
    const age = this.clock - my.confirmed;
    if (!my.command && this.all.flaw === "starts however late the answer comes") this.#start(my);
    if (!my.command) {
      if (age > stopsAfter(this.#terms)) return this.#loseEarly();
      if (age > FRESH) return this.#renew();
      this.#start(my);
    }
    this.later(heartbeatOf(this.#terms) - age, () => this.#renew());
  }

  /** The lease ran out before the command was started: it is given back, left to expire, or acquired again. */
  #loseEarly(): void {
    const what = this.all.dice.upTo(3);
    if (what < 1) return this.#release();
    if (what < 2) return this.#finish();
    this.#my = { ...this.#attempt(), owner: this.#my.owner };
    this.disconnect();
    this.connectIn(0);
  }

  #start(my: Attempt): void {
    const { dice, judge } = this.all;
    this.note("starts its command");
    const command = my.command = new Command(my.lease!, judge);
    this.in(dice.upTo(1.5 * this.ttl), () => this.#end(my, command));
    // It is killed at the fence, whether sera runs or not. What that takes has the rest of the TTL.
    this.#watch(my, command, dice.between(endsAfter(this.#terms), this.ttl));
  }

  #watch(my: Attempt, command: Command, fence: number): void {
    const left = my.confirmed + fence - this.clock;
    if (left < 0.001) this.#end(my, command);
    else if (command.isRunning) this.in(left, () => this.#watch(my, command, fence));
  }

  #end(my: Attempt, command: Command): void {
    if (!command.isRunning) return;
    command.end();
    this.note("has ended its command");
    this.do(() => {
      if (my.step !== "holds") return;
      // A lock that was lost to time is not given back.
      if (this.#left > 0) this.#release();
      else this.#finish();
    });
  }

  #renew(): void {
    const my = this.#my;
    this.ask("renews", (node) => this.all.server.renew(node, my.lease!), (isMine, sent) => {
      if (my.step !== "holds" || my.command?.isRunning === false) return;
      if (!isMine) return this.#lose(my);
      this.#queueAgain(my);
      this.#confirm(sent);
    });
  }

  /** Takes the session lock in another session, if it is free. */
  #queueAgain(my: Attempt): void {
    const { sessions, world } = this.all;
    const { connection } = this;
    if (!world.sessionLocks || !connection || my.queuedIn === connection) return;
    my.queuedIn = connection;
    this.ask("asks for the session lock again", () => sessions.ask(connection), () => {});
  }

  #lose(my: Attempt): void {
    my.step = "is over";
    if (my.command) this.all.judge.found("a renewal was refused while the command might run");
    this.in(this.all.dice.upTo(this.#left), () => {
      my.command?.end();
      this.do(() => this.#finish());
    });
  }

  #release(): void {
    const my = this.#my;
    my.step = "releases";
    this.ask("releases", (node) => this.all.server.release(node, my.lease!), () => this.#finish());
  }

  #finish(): void {
    this.#my.step = "is over";
    this.#wanted--;
    if (this.#wanted === 0) return super.kill();
    this.disconnect();
    this.#my = this.#attempt();
    this.connectIn(this.#rest());
  }

  /** How long it does not want the lock, in milliseconds: some come at the same time, some when others are in trouble. */
  #rest(): number {
    const { dice } = this.all;
    return dice.upTo(dice.chance(0.7) ? 1000 : 12_000);
  }

  /** How long the lease is still valid, in milliseconds. */
  get #left(): number {
    return Math.max(0, this.#my.confirmed + this.ttl - this.clock);
  }
}

/** Whether a claim takes over what has been seen unchanged for long enough. */
function isOfSilent(from: TakeFrom): boolean {
  return typeof from === "object" && "seen" in from;
}
