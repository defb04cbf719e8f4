import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { lockKey, lockName } from "../../lib/lock/lock_name.ts";

Deno.test("a lock's name is the md5 that the Go sera computes", () => {
  // From its documentation.
  assert.equal(lockName("ls -ltra"), "5373fa7de6f7dd54052abf86b3a53da4");
  // From RFC 1321.
  assert.equal(lockName(""), "d41d8cd98f00b204e9800998ecf8427e");
  assert.equal(lockName("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
});

const KEYS = [
  "/usr/bin/café --größe=3",
  "echo 日本語",
  "echo 🚀",
  " leading and trailing ",
  "a\nb\tc",
  'it\'s a "quoted" word',
  "x".repeat(55),
  "x".repeat(56),
  "x".repeat(64),
  "é".repeat(100_000),
];

Deno.test("a lock's name is the md5 of UTF-8, as another implementation computes it", () => {
  for (const key of KEYS) assert.equal(lockName(key), createHash("md5").update(key, "utf8").digest("hex"));
});

Deno.test({
  name: "a lock's name is what md5sum(1) prints",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    for (const key of KEYS) {
      const child = new Deno.Command("md5sum", { stdin: "piped", stdout: "piped" }).spawn();
      await new Blob([key]).stream().pipeTo(child.stdin);
      const { stdout } = await child.output();
      assert.equal(new TextDecoder().decode(stdout), `${lockName(key)}  -\n`);
    }
  },
});

Deno.test("a lock's name fits into MySQL's 64 characters, and needs no quoting", () => {
  for (const key of KEYS) assert.match(lockName(key), /^[0-9a-f]{32}$/);
});

Deno.test("a lock's key is the words joined by one space", () => {
  assert.equal(lockKey(["ls", "-ltra"]), "ls -ltra");
  assert.equal(lockKey(["echo", "a b"]), lockKey(["echo", "a", "b"]));
  assert.equal(lockKey(["true", ""]), "true ");
  assert.equal(lockKey(["true"]), "true");
});
