import assert from "node:assert/strict";
import { isPath, isPlain, isServerWithPassword, mayBeServer, pathOr } from "../../lib/text/redaction.ts";

/** Each with whether it is plain, whether it may be a server, and whether it certainly is one with a password. */
const TEXTS: readonly [text: string, plain: boolean, perhaps: boolean, certain: boolean][] = [
  ["", true, false, false],
  ["never", true, false, false],
  ["1m30x", true, false, false],
  ["a-b_c.d, e", true, false, false],
  ["Grüße", true, false, false],
  ["seventeen letters", false, false, false],
  ["a=b", false, false, false],
  ["10:30", false, false, false],
  ["user@host", false, false, false],
  ["/opt/gcc@12/bin/gcc", false, false, false],
  ["release 2026-11-25T10:00:00+01:00", false, false, false],
  ["https://registry:5000/image@sha256:0123", false, true, false],
  ["rsync://host/module", false, true, false],
  ["u:p@h", false, true, false],
  ["u:p@tcp(h)/", false, true, true],
  ["server=u:p@tcp(h)/", false, true, true],
  [":p@/", false, true, false],
  ["postgres://u:p@h/d", false, true, true],
  ["host=h password=p", false, true, true],
  ["host=h p%61ssword=p", false, true, false],
  ["piece@tcp(h)/", false, true, false],
];

for (const [text, plain, perhaps, certain] of TEXTS) {
  Deno.test(`${JSON.stringify(text)} is ${plain ? "" : "not "}to be repeated`, () => {
    assert.deepEqual([isPlain(text), mayBeServer(text), isServerWithPassword(text)], [plain, perhaps, certain]);
  });
}

Deno.test("a path never looks like a server setting", () => {
  for (const path of ["/opt/gcc@12/gcc", "./a:b@c", "../x", "C:\\Users\\me@corp\\x.exe"]) assert.ok(isPath(path), path);
  for (const text of ["u:p@tcp(h)/", "m://u:p@h", "gcc", "", "/x://u:p@h"]) assert.ok(!isPath(text), text);
});

Deno.test("a path is shown unless it may be a server setting", () => {
  for (const path of ["/etc/sera.json", "a b/ü.json", "~/x", "C:\\sera\\x.json"]) assert.equal(pathOr(path), path);
  for (const path of ["/etc/sera:prod.json", "/etc/a@b.pem", "/etc/a=b", "/srv/x(1)", "./a:b"]) {
    assert.equal(pathOr(path), path);
  }
  for (const text of ["/u:p@h", "./u:p@tcp(h)/", "/x://u:p@h", "/x?password=p", "a@b.pem"]) {
    assert.notEqual(pathOr(text), text);
  }
  for (const text of ["u:p@tcp(h)/", "postgres://h", "host=h", "p%61ss", "/a\0b", ""]) {
    assert.notEqual(pathOr(text), text);
  }
});
