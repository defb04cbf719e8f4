import stringWidth from "string-width";

const ELLIPSIS = "…";

/** How many columns a text takes: plain ASCII, which most is, one each. */
export function widthOf(text: string): number {
  return /^[ -~]*$/.test(text) ? text.length : stringWidth(text);
}

/** As much of a text as fits, cut between characters as a reader sees them. A path keeps its end, which says more. */
export function shortened(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const characters = [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
  const isPath = /^\/\S+$/.test(text);
  if (isPath) characters.reverse();
  let used = stringWidth(ELLIPSIS);
  const kept = [];
  for (const character of characters) {
    used += stringWidth(character);
    if (used > width) break;
    kept.push(character);
  }
  return isPath ? ELLIPSIS + kept.reverse().join("") : kept.join("") + ELLIPSIS;
}
