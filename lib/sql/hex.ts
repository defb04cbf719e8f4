import { hexToBytes } from "@noble/hashes/utils.js";

/** The text whose UTF-8 bytes these hex digits are; undefined for what are none. */
export function fromHex(digits: unknown): string | undefined {
  if (typeof digits !== "string" || !/^(?:[0-9A-Fa-f]{2})*$/.test(digits)) return undefined;
  return new TextDecoder().decode(hexToBytes(digits));
}
