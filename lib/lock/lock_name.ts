import { md5 } from "@noble/hashes/legacy.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { namespacedName } from "./namespaced_name.ts";

/** What `lockName` makes. */
const NAME = /^[0-9a-f]{32}$/;

/** Whether a text is a lock's name as {@linkcode lockName} makes them; what is none is never looked for. */
export function isLockName(text: string): boolean {
  return NAME.test(text);
}

/**
 * The text that a lock stands for: the command's words joined by one space, as the Go sera does. So `echo "a b"` and
 * `echo a b` share a lock, which is kept for compatibility.
 */
export function lockKey(words: readonly string[]): string {
  return words.join(" ");
}

/**
 * The lock's name: the lower-case hex md5 of the key's UTF-8 bytes, the same that the Go sera computes, so that both
 * exclude each other on one server. md5 serves as a fixed-length name here, not as protection.
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

/** The name of the lock that a key stands for, in a namespace if there is one. */
export function lockNameIn(namespace: string | undefined, key: string): string {
  return namespace === undefined ? lockName(key) : namespacedName(namespace, key);
}
