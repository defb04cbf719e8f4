interface Entry {
  readonly at: number;
  readonly number: number;
  readonly run: () => void;
}

/** The events of a model, in order of time; simultaneous ones in order of insertion. */
export class Agenda {
  /** The true time, in milliseconds. */
  now = 0;
  /** A binary heap: the next one is first. */
  readonly #entries: Entry[] = [];
  #count = 0;

  /** Schedules an event after so many milliseconds. */
  in(delay: number, run: () => void): void {
    const entry = { at: this.now + delay, number: this.#count++, run };
    const entries = this.#entries;
    let place = entries.length;
    for (; place > 0; place = (place - 1) >> 1) {
      const parent = entries[(place - 1) >> 1]!;
      if (!isBefore(entry, parent)) break;
      entries[place] = parent;
    }
    entries[place] = entry;
  }

  /** Lets the next thing happen; false if there is none. */
  step(): boolean {
    const [first] = this.#entries;
    const last = this.#entries.pop();
    if (!first || !last) return false;
    if (this.#entries.length > 0) this.#sink(last);
    this.now = first.at;
    first.run();
    return true;
  }

  #sink(entry: Entry): void {
    const entries = this.#entries;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= entries.length) break;
      if (child + 1 < entries.length && isBefore(entries[child + 1]!, entries[child]!)) child++;
      if (!isBefore(entries[child]!, entry)) break;
      entries[place] = entries[child]!;
      place = child;
    }
    entries[place] = entry;
  }
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.at < other.at || one.at === other.at && one.number < other.number;
}
