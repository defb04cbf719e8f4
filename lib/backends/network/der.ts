/** DER, in which certificates are encoded. */

/** A value in DER. */
export interface DerValue {
  readonly tag: number;
  readonly body: Uint8Array;
  /** The body with its tag and length before it. */
  readonly whole: Uint8Array;
}

/** The tag of a list of values. */
export const SEQUENCE = 0x30;

/**
 * Splits bytes into the DER values that they consist of.
 *
 * @throws {RangeError} When one is cut off.
 */
export function derValues(bytes: Uint8Array = new Uint8Array()): DerValue[] {
  const found: DerValue[] = [];
  for (let at = 0; at < bytes.length;) {
    const from = at;
    const tag = bytes[at]!;
    let length = bytes[at + 1] ?? Infinity;
    let start = at + 2;
    if (length >= 0x80) {
      const end = start + (length & 0x7f);
      for (length = 0; start < end; start++) length = length * 256 + (bytes[start] ?? Infinity);
    }
    at = start + length;
    if (!(at <= bytes.length)) throw new RangeError("a value in a certificate is truncated");
    found.push({ tag, body: bytes.subarray(start, at), whole: bytes.subarray(from, at) });
  }
  return found;
}
