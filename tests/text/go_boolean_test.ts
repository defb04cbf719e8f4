import assert from "node:assert/strict";
import { parseGoBoolean } from "../../lib/text/go_boolean.ts";

Deno.test("booleans are spelled as in Go", () => {
  for (const text of ["1", "t", "T", "true", "TRUE", "True"]) assert.equal(parseGoBoolean(text), true, text);
  for (const text of ["0", "f", "F", "false", "FALSE", "False"]) assert.equal(parseGoBoolean(text), false, text);
  for (const text of ["", "yes", "no", "on", "off", "tRUE", "2", " true", "stderr"]) {
    assert.equal(parseGoBoolean(text), undefined, text);
  }
});
