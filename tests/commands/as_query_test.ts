import assert from "node:assert/strict";
import { LockUnavailableError, UnfitServerError, UsageError } from "../../lib/errors.ts";
import { asQuery } from "../../lib/commands/as_query.ts";

function fails(error: Error): () => Promise<never> {
  return () => Promise.reject(error);
}

Deno.test("an error while only looking does not mention requesting a lock", async () => {
  const error = UnfitServerError.on("Server", { what: "gone; away", cure: "wait" }, { transient: true });
  await assert.rejects(asQuery(fails(error)), {
    what: "Cannot ask Server: gone; away",
    cure: "wait",
    exitCode: 202,
    transient: true,
  });
});

Deno.test("an error that does not come from a server is passed on unchanged", async () => {
  const ledger = new LockUnavailableError("Cannot use the ledger t: gone", "wait", { why: "gone" });
  for (const error of [ledger, new UsageError("wrong"), new TypeError("odd")]) {
    await assert.rejects(asQuery(fails(error)), error);
  }
  assert.equal(await asQuery(() => Promise.resolve(1)), 1);
});
