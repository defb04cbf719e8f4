import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";

/** The UTF-8 bytes of a text in hex digits, which need no quoting in any database. */
export function toHex(text: string): string {
  return bytesToHex(new TextEncoder().encode(text));
}

/** The reverse of {@linkcode toHex}. */
export function fromHex(digits: string): string {
  return new TextDecoder().decode(hexToBytes(digits));
}
