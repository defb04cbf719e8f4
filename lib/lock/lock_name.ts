import { md5 } from "@noble/hashes/legacy.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { namespacedName } from "./namespaced_name.ts";

/** The form of a name that `lockName` makes. */
const NAME = /^[0-9a-f]{32}$/;

/** Whether a text has the form of a name that {@linkcode lockName} makes. */
export function isLockName(text: string): boolean {
  return NAME.test(text);
}

/**
 * The key of a command's lock: its words joined by one space, as in the Go version. So `echo "a b"` and `echo a b` share a
 * lock, for compatibility.
 */
export function lockKey(words: readonly string[]): string {
  return words.join(" ");
}

/**
 * The lock's name: the lower-case hex md5 of the key's UTF-8 bytes, the same as in the Go version, so that both respect
 * each other's locks. md5 only gives a name of fixed length here; it protects nothing.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { lockName } from "./lock_name.ts";
 *
 * assert.equal(lockName("ls -ltra"), "5373fa7de6f7dd54052abf86b3a53da4");
 * ```
 */
export function lockName(key: string): string {
  return bytesToHex(md5(utf8ToBytes(key)));
}

/** The name of a key's lock, in a namespace if one is given. */
export function lockNameIn(namespace: string | undefined, key: string): string {
  return namespace === undefined ? lockName(key) : namespacedName(namespace, key);
}
