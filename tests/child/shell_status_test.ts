import assert from "node:assert/strict";
import { parseStatus } from "../../lib/child/shell_status.ts";

const NOTHING = { ignored: 0, blocked: 0, fenced: false, got: [] };

for (
  const [said, status] of [
    ["", undefined],
    ["5 0 0", undefined],
    ["0 0 0\n", NOTHING],
    ["5 2 0\n", { ...NOTHING, ignored: 5, blocked: 2 }],
    ["0 0 1\n", { ...NOTHING, fenced: true }],
    ["0 0 0 15 1 15\n", { ...NOTHING, got: [15, 1, 15] }],
    // bash tells only so that SIGQUIT was ignored.
    ["trap -- '' SIGQUIT\n1 0 0\n", { ...NOTHING, ignored: 5 }],
    ["trap -- '' QUIT\n1 0 0\n", { ...NOTHING, ignored: 5 }],
    ["trap -- 'x' SIGQUIT\n1 0 0\n", { ...NOTHING, ignored: 1 }],
  ] as const
) {
  Deno.test(`parses the answer ${JSON.stringify(said)}`, () => {
    assert.deepEqual(parseStatus(said), status);
  });
}
