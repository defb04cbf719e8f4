import assert from "node:assert/strict";
import { usableLedger } from "../../lib/doctor/usable_ledger.ts";
import { inZone } from "../text/zone.ts";
import type { RecordedRun } from "../../lib/ledger/run.ts";

const RUN: RecordedRun = {
  id: 7n,
  lock: "",
  label: "",
  host: "",
  user: "",
  started: Date.UTC(2030, 0, 1),
  outcome: "succeeded",
};

Deno.test("a usable ledger shows the number of its last run", () => {
  assert.deepEqual(usableLedger("no table"), { found: "there is no table yet; the first run creates it" });
  assert.deepEqual(usableLedger(undefined), { found: "it can be read and written; it has no run yet" });
  using _ = inZone("Europe/Berlin");
  assert.deepEqual(usableLedger(RUN), {
    found: "it can be read and written; its last run is 7, of 2030-01-01 00:00:00Z",
    local: "it can be read and written; its last run is 7, of 2030-01-01 01:00:00+01",
  });
  assert.deepEqual(usableLedger({ ...RUN, started: undefined }), {
    found: "it can be read and written; its last run is 7",
  });
});

Deno.test("a ledger that forgets nothing is a warning", () => {
  assert.deepEqual(usableLedger(RUN, "DELETE denied"), {
    found: "it can be read and written, but old runs are never deleted: DELETE denied",
    cure: "grant DELETE on it",
  });
});
