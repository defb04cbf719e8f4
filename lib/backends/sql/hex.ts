import { hexToBytes } from "@noble/hashes/utils.js";

/** PostgreSQL's names of encodings that have a different label in the runtime. */
const LABELS: Readonly<Record<string, string>> = {
  LATIN2: "iso-8859-2",
  LATIN3: "iso-8859-3",
  LATIN4: "iso-8859-4",
  LATIN5: "iso-8859-9",
  LATIN6: "iso-8859-10",
  LATIN7: "iso-8859-13",
  LATIN8: "iso-8859-14",
  LATIN9: "iso-8859-15",
  LATIN10: "iso-8859-16",
  KOI8R: "koi8-r",
  KOI8U: "koi8-u",
  EUC_CN: "gbk",
  EUC_JIS_2004: "euc-jp",
  WIN866: "ibm866",
};

/**
 * Decodes a text from hex digits; undefined if they are not hex digits.
 *
 * @param digits The bytes in UTF-8; or PostgreSQL's name of another encoding, a colon, and the bytes in that.
 */
export function fromHex(digits: unknown): string | undefined {
  if (typeof digits !== "string") return undefined;
  const [, encoding, hex] = /^(?:([A-Z0-9_]{1,30}):)?((?:[0-9A-Fa-f]{2})*)$/.exec(digits) ?? [];
  if (hex === undefined) return undefined;
  const bytes = hexToBytes(hex);
  if (encoding === undefined) return new TextDecoder().decode(bytes);
  // The runtime would take latin1 for windows-1252.
  if (encoding === "LATIN1") return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return decoderFor(encoding).decode(bytes);
}

/** The decoder for an encoding; UTF-8, which at least reads ASCII, if the runtime does not know the encoding. */
function decoderFor(encoding: string): TextDecoder {
  const label = LABELS[encoding] ?? encoding.toLowerCase().replace(/^win/, "windows-").replaceAll("_", "-");
  try {
    return new TextDecoder(label);
  } catch (error) {
    if (error instanceof RangeError) return new TextDecoder();
    throw error;
  }
}
