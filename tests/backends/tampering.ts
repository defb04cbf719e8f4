/** Reproducible random corruptions of a server's bytes. */

import { concat, type Tamper } from "./fake_server.ts";

/** Chance that is the same again for the same seed. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 up to this one, without it. "mulberry32" */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  /** One of these. */
  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}

/** Spoils one frame. */
type Spoil = (frame: Uint8Array, chance: Chance) => Uint8Array;

const NUMBERS = [0, 1, 3, 4, 5, 0x7f, 0x80, 0xfb, 0xfc, 0xfd, 0xfe, 0xff];

/** Sets one byte. */
function withByte(frame: Uint8Array, at: number, value: number): Uint8Array {
  const spoiled = frame.slice();
  spoiled[at] = value;
  return spoiled;
}

const SPOILS: Readonly<Record<string, Spoil>> = {
  "a flipped bit": (frame, chance) => {
    const at = chance.below(frame.length);
    return withByte(frame, at, frame[at]! ^ (1 << chance.below(8)));
  },
  "another byte": (frame, chance) => withByte(frame, chance.below(frame.length), chance.below(256)),
  "a byte that means something": (frame, chance) => withByte(frame, chance.below(frame.length), chance.of(NUMBERS)),
  "another header": (frame, chance) => withByte(frame, chance.below(5), chance.of(NUMBERS)),
  "another begin": (frame, chance) => withByte(frame, 4 + chance.below(2), chance.of(NUMBERS)),
  "a huge length": (frame, chance) => concat([chance.bytes(1), new Uint8Array([0x3f, 0xff, 0xff]), frame.subarray(4)]),
  "too little": (frame, chance) => frame.subarray(0, chance.below(frame.length)),
  "nothing": () => new Uint8Array(),
  "twice the same": (frame) => concat([frame, frame]),
  "a thousand times the same": (frame) => concat(new Array(1000).fill(frame)),
  "more than a mebibyte": (frame, chance) =>
    concat([frame, new Uint8Array(1_100_000).fill(chance.of([0, 0x4e, 0xff]))]),
  "something in between": (frame, chance) => {
    const at = chance.below(frame.length + 1);
    return concat([frame.subarray(0, at), chance.bytes(1 + chance.below(8)), frame.subarray(at)]);
  },
  "a hole": (frame, chance) => {
    const at = chance.below(frame.length);
    return concat([frame.subarray(0, at), frame.subarray(at + 1 + chance.below(4))]);
  },
  "noise": (_, chance) => chance.bytes(1 + chance.below(64)),
  "noise in the frame": (frame, chance) => concat([frame.subarray(0, 5), chance.bytes(Math.max(0, frame.length - 5))]),
  "zeros in the frame": (frame) => concat([frame.subarray(0, 5), new Uint8Array(Math.max(0, frame.length - 5))]),
};

/** A corruption of the frame with a certain number, and its description. */
export function spoiling(chance: Chance, frames: number): { readonly tamper: Tamper; readonly what: string } {
  const spoiled = chance.below(frames);
  if (chance.below(8) === 0) {
    let kept: Uint8Array = new Uint8Array();
    return {
      what: `frame ${spoiled} after the next`,
      tamper: (frame, number) => {
        if (number !== spoiled) return number === spoiled + 1 ? concat([frame, kept]) : frame;
        kept = frame;
        return new Uint8Array();
      },
    };
  }
  const way = chance.of(Object.keys(SPOILS));
  return {
    what: `frame ${spoiled}: ${way}`,
    tamper: (frame, number) => number === spoiled ? SPOILS[way]!(frame, chance) : frame,
  };
}
