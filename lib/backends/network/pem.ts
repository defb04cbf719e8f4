/** PEM as OpenSSL writes it, and as editors leave it: with a byte order mark, indented, or with other text around. */

/** One block of a text in PEM. */
export interface PemBlock {
  /** What it says it holds, for example `CERTIFICATE`. */
  readonly label: string;
  /** What it holds; undefined when that is not base64. */
  readonly der: Uint8Array | undefined;
  /** Whether lines such as `Proc-Type: 4,ENCRYPTED` stand before what it holds. */
  readonly encrypted: boolean;
}

/** The blocks of a text, in their order; what is cut off is none. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let label: string | undefined;
  let lines: string[] = [];
  // To trim takes a byte order mark away too.
  for (const line of text.split(/[\r\n]+/).map((line) => line.trim())) {
    const [, word, name] = /^-----(BEGIN|END) ([A-Z0-9 ]+)-----$/.exec(line) ?? [];
    if (word === "BEGIN") [label, lines] = [name, []];
    else if (word === "END" && name === label && label !== undefined) {
      blocks.push({
        label,
        der: decode(lines.filter((line) => !/[:,]/.test(line)).join("")),
        encrypted: label.startsWith("ENCRYPTED") || lines.some((line) => line.includes("ENCRYPTED")),
      });
      label = undefined;
    } else lines.push(line);
  }
  return blocks;
}

/** A block in the one form that every reader takes. */
export function toPem(label: string, der: Uint8Array): string {
  return `-----BEGIN ${label}-----\n${der.toBase64().replace(/.{64}(?=.)/g, "$&\n")}\n-----END ${label}-----\n`;
}

function decode(base64: string): Uint8Array | undefined {
  try {
    return base64 === "" ? undefined : Uint8Array.fromBase64(base64);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
