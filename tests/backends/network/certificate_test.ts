import assert from "node:assert/strict";
import { type CertificateNames, isFor, namesOf, versionOf } from "../../../lib/backends/network/certificate.ts";
import { makeOdd, makeOddAuthorities } from "../../servers/odd_certificates.ts";

const names = (dns: string[], common?: string, addresses: string[] = []): CertificateNames => ({
  dns,
  common,
  addresses,
});
const LOOPBACK_V6 = "00000000000000000000000000000001";

/** The rules of libpq 15 and later. */
const RULES: readonly [host: string, names: CertificateNames, fits: boolean][] = [
  ["db.example", names(["db.example"]), true],
  ["DB.example", names(["db.EXAMPLE"]), true],
  ["db.example.", names(["db.example"]), true],
  ["db.example", names(["a", "db.example"]), true],
  ["db.example", names(["a"], "db.example"), false],
  ["db.example", names([], "db.example"), true],
  ["db.example", names([], "db.example", ["0a000001"]), true],
  ["db.example", names([]), false],
  ["db.example", names(["*.example"]), true],
  ["a.db.example", names(["*.example"]), false],
  ["example", names(["*.example"]), false],
  [".example", names(["*.example"]), false],
  ["db.example", names(["*"]), false],
  ["db.example", names(["d*.example"]), false],
  ["db.example", names(["*b.example"]), false],
  ["a.b.c", names(["a.*.c"]), false],
  ["db.example", names(["db.example\0.evil"]), false],
  ["db.example\0.evil", names(["db.example\0.evil"]), false],
  ["127.0.0.1", names([], undefined, ["7f000001"]), true],
  ["127.0.0.1", names([], undefined, ["7f000002"]), false],
  ["127.0.0.1", names([], "127.0.0.1", ["7f000002"]), false],
  ["127.0.0.1", names([], "127.0.0.1"), true],
  ["127.0.0.1", names(["a"], "127.0.0.1"), true],
  ["127.0.0.1", names(["127.0.0.1"]), true],
  ["127.0.0.1", names(["*.0.0.1"], "*.0.0.1"), false],
  ["::1", names([], undefined, [LOOPBACK_V6]), true],
  ["0:0::0:1", names([], undefined, [LOOPBACK_V6]), true],
  ["::1%lo", names([], undefined, [LOOPBACK_V6]), true],
  ["::ffff:127.0.0.1", names([], undefined, ["00000000000000000000ffff7f000001"]), true],
  ["fe80::1", names([], undefined, [LOOPBACK_V6]), false],
];

for (const [host, given, fits] of RULES) {
  Deno.test(`${JSON.stringify(host)} is ${fits ? "" : "not "}for ${JSON.stringify(given)}`, () => {
    assert.equal(isFor(host, given), fits);
  });
}

Deno.test("names and version are read from a certificate, and a broken one is an error", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sera-odd-" });
  try {
    await makeOddAuthorities(folder);
    const read = async (file: string) =>
      Uint8Array.fromBase64((await Deno.readTextFile(file)).replace(/-----[A-Z ]+-----|\s/g, ""));
    const alternatives =
      "subjectAltName = DNS:a.example, DNS:*.b.example, IP:127.0.0.1, IP:::1, URI:x:DNS:c, email:d@e";
    const good = await read((await makeOdd(folder, { name: "common", extensions: [alternatives] })).cert);
    assert.equal(versionOf(good), 3);
    assert.deepEqual(namesOf(good), {
      dns: ["a.example", "*.b.example"],
      common: "common",
      addresses: ["7f000001", LOOPBACK_V6],
    });
    const old = await read((await makeOdd(folder, { name: "common", old: true })).cert);
    assert.equal(versionOf(old), 1);
    assert.deepEqual(namesOf(old), { dns: [], common: "common", addresses: [] });

    for (let length = 0; length < good.length; length++) {
      assert.throws(() => namesOf(good.subarray(0, length)), RangeError, `${length} bytes`);
    }
    for (let at = 0; at < good.length; at++) {
      for (const bit of [1, 0x20, 0x80]) {
        const broken = good.slice();
        broken[at]! ^= bit;
        try {
          namesOf(broken);
        } catch (error) {
          assert.ok(error instanceof RangeError, `${error}`);
        }
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
