// @ts-types="@types/damerau-levenshtein"
import distance from "damerau-levenshtein";

/** A slip for so many letters of the shorter word: a wrong guess is worse than none. */
const LETTERS_A_SLIP = 3;

/**
 * The one name that a word was most likely meant to be: letters left out, doubled, wrong or swapped, capitals, and
 * underscores for dashes.
 *
 * @returns Undefined where none is near, or several are equally near.
 */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const plain = plainly(word);
  const near = names.map((name) => ({ name, steps: stepsTo(plain, plainly(name)) })).filter(({ steps }) =>
    steps < Infinity
  )
    .sort((a, b) => a.steps - b.steps);
  const [first, second] = near;
  return first?.steps === second?.steps ? undefined : first?.name;
}

function stepsTo(word: string, name: string): number {
  const { steps } = distance(word, name);
  return steps <= Math.floor(Math.min(word.length, name.length) / LETTERS_A_SLIP) ? steps : Infinity;
}

/** Without what people write in several ways. */
function plainly(word: string): string {
  return word.toLowerCase().replaceAll(/[_-]/g, "");
}
