import assert from "node:assert/strict";
import { inProcess, testInProcess } from "./in_process.ts";
import { FILE } from "./targets.ts";

/** Arguments of `sera history` that are wrong, by what is wrong with them. */
export type WrongHistory = Readonly<Record<string, { args: readonly string[]; code: number; says: RegExp }>>;

/** Tests that each is refused in one line, which holds no password. */
export function testWrongHistory(wrong: WrongHistory): void {
  for (const [what, { args, code, says }] of Object.entries(wrong)) {
    testInProcess(`history with ${what} is ${code}, and one line`, async () => {
      await using started = await FILE.start();
      const ended = await inProcess(started.place, ["history", ...args]);
      assert.deepEqual({ code: ended.code, stdout: ended.stdout }, { code, stdout: "" });
      assert.match(ended.stderr, /^sera: [^\n]+\n$/);
      assert.match(ended.stderr, says);
      assert.doesNotMatch(ended.stderr, /hunter2/);
    }, [FILE.need]);
  }
}
