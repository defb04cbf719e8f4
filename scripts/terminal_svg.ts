/** Draws what terminals show. */

import type { Span } from "../tests/cli/screen.ts";

/** The size of a cell, and the space around the rows, in pixels. */
const [WIDTH, HEIGHT, MARGIN] = [8, 18, 14];

/** The terminal's colours, the first eight: bright enough for its dark background. */
const PALETTE = ["#6e7681", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#e6edf3"];
const [FOREGROUND, BACKGROUND, BORDER] = ["#e6edf3", "#161b22", "#6e7681"];

/**
 * Draws terminals one below the other, each on a dark ground of its own, so that they can be read on any page.
 *
 * @param title For those who cannot see it.
 * @returns SVG, which loads nothing.
 */
export function drawTerminals(title: string, terminals: readonly (readonly (readonly Span[])[])[]): string {
  const columns = Math.max(...terminals.flat().map(lengthOf));
  const width = columns * WIDTH + 2 * MARGIN;
  let top = 0;
  const drawn = terminals.map((rows) => {
    const height = rows.length * HEIGHT + 2 * MARGIN;
    const ground = `<rect x=".5" y="${top + 0.5}" width="${width - 1}" height="${height - 1}" rx="6"/>`;
    const texts = rows.map((row, index) => drawRow(row, top + MARGIN + index * HEIGHT + 13));
    top += height + MARGIN / 2;
    return [ground, ...texts].join("\n");
  });
  const height = top - MARGIN / 2;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" \
role="img"><title>${escaped(title)}</title><style>
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:${FOREGROUND};white-space:pre}
rect{fill:${BACKGROUND};stroke:${BORDER}}
</style>
${drawn.join("\n")}
</svg>
`;
}

/** One text for each span, as wide as its cells, whatever font there is. */
function drawRow(row: readonly Span[], y: number): string {
  let column = 0;
  return row.map(({ text, colour }) => {
    const x = MARGIN + column * WIDTH;
    column += text.length;
    const fill = colour === undefined ? "" : ` style="fill:${PALETTE[colour % PALETTE.length]}"`;
    const size = `x="${x}" y="${y}" textLength="${text.length * WIDTH}" lengthAdjust="spacingAndGlyphs"`;
    return `<text ${size}${fill} xml:space="preserve">${escaped(text)}</text>`;
  }).join("\n");
}

function lengthOf(row: readonly Span[]): number {
  return row.reduce((sum, { text }) => sum + text.length, 0);
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
