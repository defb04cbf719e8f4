/** Reads PEM as OpenSSL writes it and editors change it: with a byte order mark, indentation, or text around it. */

/** A block of PEM. */
export interface PemBlock {
  /** For example `CERTIFICATE`. */
  readonly label: string;
  /** The content; undefined if it is not base64. */
  readonly der: Uint8Array | undefined;
  /** Whether it is marked as encrypted, by its label or by a line such as `Proc-Type: 4,ENCRYPTED`. */
  readonly encrypted: boolean;
}

/** The complete blocks of a text, in order. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let label: string | undefined;
  let lines: string[] = [];
  // trim() removes a byte order mark too.
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

/** A block in the form that every reader accepts. */
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
