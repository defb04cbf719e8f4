/** The password methods of MySQL 8, by a fake server: no real one is available where the tests run. */

import { constants, createHash, generateKeyPairSync, privateDecrypt } from "node:crypto";
import type { FakeLogin } from "./fake_server.ts";

/**
 * caching_sha2_password, by a server that has the account's hash in its cache: it needs only the answer to its scramble.
 *
 * @see https://dev.mysql.com/doc/dev/mysql-server/latest/page_caching_sha2_authentication_exchanges.html
 */
export function knownPassword(password: string): FakeLogin {
  return {
    plugin: "caching_sha2_password",
    async admits({ answer, scramble, tell }) {
      if (!isScrambled(answer, password, scramble)) return false;
      await tell([MORE_DATA, FAST_SUCCESS]);
      return true;
    },
  };
}

/** Either plugin, by a server without the hash in its cache: without TLS it wants the password encrypted with its key. */
export function encryptedPassword(plugin: "caching_sha2_password" | "sha256_password", password: string): FakeLogin {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = [MORE_DATA, ...text.encode(publicKey.export({ type: "spki", format: "pem" }).toString())];
  return {
    plugin,
    async admits({ scramble, ask }) {
      const asked = plugin === "caching_sha2_password"
        ? await ask([MORE_DATA, FULL_AUTHENTICATION])
        // The driver begins with the native hash, and switches to this method on request.
        : await ask([SWITCH, ...text.encode(`${plugin}\0`), ...scramble, 0]);
      if (asked.join() !== `${KEY_REQUEST[plugin]}`) throw new Error(`Not a request for the key: ${asked}`);
      const encrypted = await ask(key);
      if (encrypted.length !== 256) throw new Error(`Not encrypted with the key: ${encrypted.length} bytes`);
      const padding = constants.RSA_PKCS1_OAEP_PADDING;
      const hidden = privateDecrypt({ key: privateKey, padding, oaepHash: "sha1" }, encrypted);
      return new TextDecoder().decode(hidden.map((byte, index) => byte ^ scramble[index % scramble.length]!)) ===
        `${password}\0`;
    },
  };
}

const text = new TextEncoder();

const SWITCH = 0xfe;
const MORE_DATA = 1;
const FAST_SUCCESS = 3;
const FULL_AUTHENTICATION = 4;
const KEY_REQUEST = { caching_sha2_password: 2, sha256_password: 1 } as const;

function isScrambled(answer: Uint8Array, password: string, scramble: Uint8Array): boolean {
  const hash = sha256(text.encode(password));
  const mask = sha256(sha256(hash), scramble);
  return answer.join() === hash.map((byte, index) => byte ^ mask[index]!).join();
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}
