/**
 * The lock's name for a namespace and a name: the two 32-bit numbers that heimdall computes, so that sera and heimdall
 * respect each other's locks.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { namespacedName } from "./namespaced_name.ts";
 *
 * assert.equal(namespacedName("heimdall", "heimdall"), "1421297779,1421297779");
 * ```
 */
export function namespacedName(namespace: string, name: string): string {
  return `${fnv1(namespace)},${fnv1(name)}`;
}

/** Whether a text has the form of a name that {@linkcode namespacedName} makes. */
export function isNamespacedName(text: string): boolean {
  const halves = text.split(",");
  return halves.length === 2 && halves.every((half) => String(Number(half) | 0) === half);
}

/** FNV-1 (multiply, then xor; not FNV-1a) of the UTF-8 bytes, as a signed 32-bit number. draft-eastlake-fnv. */
export function fnv1(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash, 0x01000193) ^ byte;
  return hash | 0;
}
