// @ts-types="@types/damerau-levenshtein"
import distance from "damerau-levenshtein";

/** One typing error is allowed for so many letters of the shorter word: a wrong guess is worse than none. */
const LETTERS_PER_ERROR = 3;

/**
 * The name that a mistyped word most likely stands for. Ignores case, dashes and underscores; letters may be missing,
 * added, wrong or swapped.
 *
 * @returns Undefined if no name is close, or if several are equally close.
 */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const plain = normalized(word);
  const near = names.map((name) => ({ name, steps: stepsTo(plain, normalized(name)) })).filter(({ steps }) =>
    steps < Infinity
  )
    .sort((a, b) => a.steps - b.steps);
  const [first, second] = near;
  return first?.steps === second?.steps ? undefined : first?.name;
}

function stepsTo(word: string, name: string): number {
  const { steps } = distance(word, name);
  return steps <= Math.floor(Math.min(word.length, name.length) / LETTERS_PER_ERROR) ? steps : Infinity;
}

/** The word in lower case, without dashes and underscores. */
function normalized(word: string): string {
  return word.toLowerCase().replaceAll(/[_-]/g, "");
}
