/** How long a server may take to answer, and each of several hosts to connect. */

import assert from "node:assert/strict";
import { answerTimeoutOf, withinLimit } from "../../../lib/backends/postgres/limits.ts";
import { plainSession } from "../open.ts";
import { parsePostgres } from "../parse.ts";

Deno.test("the answer timeout is ten seconds, or a sixth of the ttl where the session can be replaced", () => {
  const cases: [leased: boolean | undefined, ttl: number, limit: number][] = [
    [undefined, 3000, 10_000],
    [false, 30_000, 10_000],
    [true, 30_000, 5000],
    [true, 3000, 1000],
    [true, 600_000, 10_000],
  ];
  for (const [leased, ttl, limit] of cases) {
    const options = { ...plainSession, lease: { ttl, grace: 0 }, ...(leased === undefined ? {} : { leased }) };
    assert.equal(answerTimeoutOf(options), limit);
    assert.equal(answerTimeoutOf({ ...options, answerTimeout: 70 }), 70);
  }
});

Deno.test("several hosts share the connect timeout; a single one has all of it", async () => {
  const cases: [server: string, limit: number, each: number | undefined][] = [
    ["postgres://u:p@a/d", 3000, undefined],
    ["postgres://u:p@a,b,c/d", 3000, 1000],
    ["postgres://u:p@a,b,c/d", Infinity, undefined],
    ["postgres://u:p@a,b,c/d", 60_000, undefined],
    ["postgres://u:p@a,b,c/d?connect_timeout=2", 60_000, 2000],
    ["postgres://u:p@a,b,c/d?connect_timeout=2", 3000, 1000],
  ];
  for (const [server, limit, each] of cases) {
    assert.equal(withinLimit(await parsePostgres(server), limit).connectTimeout, each, server);
  }
});
