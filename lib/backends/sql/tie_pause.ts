/** The longest pause after the first tie, and after any, in milliseconds. */
const [FIRST, LONGEST] = [100, 2000];

/**
 * How long to pause after a tie: two runs with different numbers of slots took slots at the same moment, saw each other and
 * gave way. In milliseconds: random, and of a range that doubles with each tie, so that on a slow machine too one of them is
 * soon alone.
 *
 * @param tie 1 for the first.
 */
export function tiePause(tie: number): number {
  return Math.random() * Math.min(FIRST * 2 ** (tie - 1), LONGEST);
}
