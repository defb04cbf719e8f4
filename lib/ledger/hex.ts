import { hexToBytes } from "@noble/hashes/utils.js";

/** The text whose UTF-8 bytes these hex digits are. */
export function fromHex(digits: string): string {
  return new TextDecoder().decode(hexToBytes(digits));
}
