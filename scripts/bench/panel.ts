import { element, rule, text } from "./svg.ts";

/** The graph's width. */
export const WIDTH = 800;
/** Where names end and bars begin. */
export const LEFT = 150;
/** Where bars may end. */
export const RIGHT = 680;

/** A part of the graph; its place is above it. */
export interface Panel {
  readonly height: number;
  readonly body: string;
}

/** What a colour stands for. */
export interface Entry {
  readonly colour: string;
  readonly words: string;
}

/** Colours that are told apart on white and on black, also by most who see fewer. */
export const COLOURS = ["#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2", "#b07aa1", "#9c755f"] as const;

/** Puts panels below each other, with space between them. */
export function stacked(panels: readonly Panel[], title: string): string {
  const space = 34;
  let top = 8;
  const placed = panels.map(({ height, body }) => {
    const group = element("g", { transform: `translate(0 ${top})` }, body);
    top += height + space;
    return group;
  });
  const attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    viewBox: `0 0 ${WIDTH} ${top - space + 12}`,
    width: WIDTH,
    height: top - space + 12,
    role: "img",
  };
  return `${element("svg", attributes, element("title", {}, title), element("style", {}, STYLE), ...placed)}\n`;
}

/** The head of a panel: its title, and below it what the colours mean. */
export function head(title: string, entries: readonly Entry[] = []): string {
  let x = 0;
  const legend = entries.map(({ colour, words }) => {
    const entry = element("rect", { x, y: 30, width: 11, height: 11, rx: 2, fill: colour }) + text(x + 16, 40, words);
    x += 16 + 7 * words.length + 14;
    return entry;
  });
  return text(0, 14, title, { class: "title" }) + legend.join("");
}

/** The axis below bars. */
export function axis(ticks: readonly number[], place: (tick: number) => number, { top, bottom, unit }: {
  readonly top: number;
  readonly bottom: number;
  readonly unit: string;
}): string {
  return ticks.map((tick) =>
    rule(place(tick), top, place(tick), bottom, { class: "grid" }) +
    text(place(tick), bottom + 15, `${tick}${unit}`, { "text-anchor": "middle", class: "small" })
  ).join("");
}

/** Greys that can be read on any ground, and better ones where the reader's theme is known. */
const STYLE = `
text{font:12px -apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#6e7781}
.title{font-weight:600;font-size:14px}
.small{font-size:11px}
.grid{stroke:#8c959f;stroke-opacity:.3}
.aim{stroke:#1f2328;stroke-width:2}
.halo{stroke:#fff;stroke-width:5}
.line{fill:none;stroke-width:2}
@media (prefers-color-scheme:light){text{fill:#32383f}}
@media (prefers-color-scheme:dark){text{fill:#c9d1d9}}
`;
