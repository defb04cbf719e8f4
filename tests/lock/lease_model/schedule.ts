import { marginOf, type ObservedLease } from "../../../lib/lock/expiry_watch.ts";
import { Agenda } from "./agenda.ts";
import { Client } from "./client.ts";
import { Dice } from "./dice.ts";
import { Judge, type Violation } from "./judge.ts";
import { Network, USUAL_DELAY } from "./network.ts";
import { Node, Server } from "./server.ts";
import { Sessions } from "./sessions.ts";
import { type Flaw, TTLS, type World } from "./world.ts";

/** For how long things go wrong, in milliseconds; after that all that is left must come to an end. */
const TROUBLE = 15_000;
const MAX_TTL = Math.max(...TTLS);
/** How far a read may lag behind, in milliseconds. */
const MAX_LAG = 2000;
/** When no delay, pause or outage of the time of trouble has an effect any more. */
const CALM = TROUBLE + 4 * MAX_TTL + 1000;
/** The longest that work may take to come to an end then. */
const END = CALM + 20 * MAX_TTL;

/** One course of events, which its seed decides. */
export class Schedule {
  readonly agenda = new Agenda();
  readonly dice: Dice;
  readonly judge: Judge;
  readonly nodes: readonly Node[];
  readonly server: Server;
  readonly sessions = new Sessions();
  readonly network: Network;
  readonly #clients: readonly Client[];

  /** @param tell Called with each thing that happens, as a line. */
  constructor(seed: number, readonly world: World, readonly flaw?: Flaw, tell?: (line: string) => void) {
    this.note = tell && ((what) => tell(`${Math.round(this.agenda.now)} ${what}`));
    this.dice = new Dice(seed);
    this.judge = new Judge(this.note);
    this.nodes = Array.from({ length: world.nodes }, () => new Node());
    this.server = new Server(this.agenda, this.judge, flaw);
    this.network = new Network(this.agenda, this.dice, world, TROUBLE, 2 * MAX_TTL);
    this.#clients = ["a", "b", "c", "d"].map((name) => new Client(this, name));
    for (const node of this.nodes) this.#setClock(node);
    this.#plan();
  }

  readonly note: ((line: string) => void) | undefined;

  /** Lets all happen, and returns what must not have. */
  run(): ReadonlySet<Violation> {
    const { agenda, judge } = this;
    while (this.#clients.some((client) => !client.isGone)) {
      if (agenda.step() && agenda.now < END) continue;
      judge.found("work does not go on");
      break;
    }
    return judge.violations;
  }

  /** What a read of the row shows: on several nodes perhaps an old state, since reads may lag behind. */
  read(): ObservedLease | undefined {
    const isRecent = this.agenda.now - this.server.changed < MAX_LAG;
    return this.server.read(this.world.nodes > 1 && isRecent && this.dice.chance(0.3));
  }

  /**
   * A lease was taken over.
   *
   * @param isSilent Whether that was because it had been seen unchanged; else it had expired by a server's clock.
   * @param silentSince When it had been changed before, in true time.
   * @param lookingSince Since when its new owner has looked at it, in true time.
   */
  tookOver({ ttl }: ObservedLease, isSilent: boolean, silentSince: number, lookingSince: number): void {
    if (!isSilent) return void this.judge.counts.byClock++;
    this.judge.counts.bySilence++;
    const waited = this.agenda.now - Math.max(silentSince, lookingSince, CALM);
    // It may take a look until the last beat is seen, and one until the silence is over.
    const looks = 2 * (1500 + 4 * USUAL_DELAY);
    if (waited > 1.02 * (ttl + marginOf(ttl) + looks)) this.judge.found("a silent lease was taken over too late");
  }

  /** Enters what goes wrong. */
  #plan(): void {
    const { dice, world, sessions } = this;
    for (const client of this.#clients) {
      if (dice.chance(0.5)) this.#at((left) => client.stop(dice.upTo(Math.min(left, 2 * MAX_TTL))));
      if (dice.chance(0.15) && world.breaks) this.#at(() => client.isGone || client.kill());
    }
    for (const node of this.nodes) {
      for (let jumps = dice.upTo(3); jumps > 1; jumps--) {
        this.#at(() => this.#setClock(node));
      }
      if (dice.chance(0.3) && world.breaks) {
        this.#at((left) => {
          this.note?.("a server ends");
          node.isUp = false;
          for (const connection of [...sessions.all]) if (connection.node === node) sessions.break(connection);
          this.agenda.in(dice.upTo(Math.min(left, 5000)), () => node.isUp = true);
        });
      }
    }
    for (let kills = dice.upTo(4); kills > 1 && world.breaks; kills--) {
      this.#at(() => {
        if (sessions.all.size === 0) return;
        this.note?.("a session is killed");
        sessions.break(dice.pick([...sessions.all]));
      });
    }
  }

  /** Sets a server's clock, often to the most that it may be off, one way or the other. */
  #setClock(node: Node): void {
    const { dice, world: { skew } } = this;
    node.offset = dice.pick([0, skew, dice.upTo(skew)]);
    this.note?.(`a clock is off by ${Math.round(node.offset)}`);
  }

  /** Schedules an event at a random time in the period of faults; it gets the time that is left of that. */
  #at(happens: (left: number) => void): void {
    const at = this.dice.upTo(TROUBLE);
    this.agenda.in(at, () => happens(TROUBLE - at));
  }
}
