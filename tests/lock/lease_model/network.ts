import type { Agenda } from "./agenda.ts";
import type { Dice } from "./dice.ts";
import type { World } from "./world.ts";

/** The longest that a message takes when nothing is wrong, in milliseconds. */
export const USUAL_DELAY = 40;

/** Decides how long messages take, in milliseconds; `Infinity` if they get lost. */
export class Network {
  readonly #agenda: Agenda;
  readonly #dice: Dice;
  readonly #breaks: boolean;
  readonly #calmFrom: number;
  readonly #longest: number;

  /** @param calmFrom When all faults end. */
  constructor(agenda: Agenda, dice: Dice, { breaks }: World, calmFrom: number, longest: number) {
    this.#agenda = agenda;
    this.#dice = dice;
    this.#breaks = breaks;
    this.#calmFrom = calmFrom;
    this.#longest = longest;
  }

  get isCalm(): boolean {
    return this.#agenda.now >= this.#calmFrom;
  }

  delay(): number {
    if (!this.isCalm) {
      const draw = this.#dice.upTo(1);
      if (draw < 0.1) return this.#dice.upTo(this.#longest);
      if (draw < 0.15 && this.#breaks) return Infinity;
    }
    return this.#dice.between(1, USUAL_DELAY);
  }
}
