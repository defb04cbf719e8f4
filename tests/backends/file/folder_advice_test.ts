/** The advice for a world-writable folder: never to remove permissions that the system needs. */

import assert from "node:assert/strict";
import { objectionTo } from "../../../lib/backends/file/folder_trust.ts";
import { Trust } from "../../../lib/system/trust.ts";

const root = { ...Deno.lstatSync("/"), uid: 0 };

function cureFor(path: string, mode: number): string {
  return objectionTo({ path, info: { ...root, isDirectory: true, mode } }, false, new Trust(root))!.cure;
}

for (const path of ["/tmp", "/var/tmp", "/private/tmp", "/dev/shm", "/run/lock", "/var/lock", "/run/shm"]) {
  Deno.test(`${path} must not be changed, and no folder in it is proposed`, () => {
    for (const mode of [0o777, 0o1777]) {
      assert.equal(cureFor(path, mode), "use --server file: for a folder of your own, or file:/some/dir");
    }
  });
}

Deno.test("for any other folder the advice is to change its mode, or to make a folder in it", () => {
  assert.match(cureFor("/srv/tmp", 0o777), /^chmod o-w \/srv\/tmp, or /);
  assert.match(cureFor("/srv/tmp", 0o1777), /mkdir -m 700 \/srv\/tmp\/sera/);
});
