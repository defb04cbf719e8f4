/** What servers say may have semicolons in it; what to do about it never stands among their words. */

import assert from "node:assert/strict";
import { lineOf } from "../../../lib/errors.ts";
import { describeMySqlError } from "../../../lib/backends/mysql/errors.ts";
import { describePostgresError } from "../../../lib/backends/postgres/errors.ts";

const SAID = "no; see x; or y";

Deno.test("MySQL's own messages are kept whole, with or without a cure", () => {
  assert.deepEqual(describeMySqlError(Object.assign(new Error(SAID), { errno: 1644 })), {
    what: SAID,
    cure: undefined,
  });
  const refused = describeMySqlError(Object.assign(new Error(SAID), { errno: 1049 }));
  assert.deepEqual(refused, { what: SAID, cure: "create the database, or leave it out of the DSN" });
  assert.equal(lineOf(refused), `${SAID}; create the database, or leave it out of the DSN`);
  // Its advice is for those who have a transaction.
  const locked = Object.assign(new Error("Lock wait timeout exceeded; try restarting transaction"), { errno: 1205 });
  assert.deepEqual(describeMySqlError(locked), {
    what: "Lock wait timeout exceeded",
    cure: "try restarting transaction",
  });
});

Deno.test("PostgreSQL's own messages are kept whole, with or without a cure", () => {
  const said = (code: string) => Object.assign(new Error(SAID), { code, severity: "ERROR" });
  assert.deepEqual(describePostgresError(said("P0001")), { what: SAID });
  assert.deepEqual(describePostgresError(said("53100")), { what: SAID, cure: "free some space on the server" });
});
