import assert from "node:assert/strict";
import { nearest } from "../../lib/text/nearest.ts";
import { SETTINGS } from "../../lib/settings/table.ts";
import { COMMANDS } from "../../lib/commands/table.ts";

const FLAGS = SETTINGS.map(({ name }) => name);
const WORDS = COMMANDS.map(({ name }) => name);

for (
  const [word, names, meant] of [
    ["verbos", FLAGS, "verbose"],
    ["nmae", FLAGS, "name"],
    ["namee", FLAGS, "name"],
    ["min_hold", FLAGS, "min-hold"],
    ["waitandskip", FLAGS, "wait-and-skip"],
    ["SyslOg", FLAGS, "syslog"],
    ["detailed-exit-code", FLAGS, "detailed-exit-codes"],
    ["statsu", WORDS, "status"],
    ["doctr", WORDS, "doctor"],
    // As near to one as to the other, or to none.
    ["ac", ["ab", "ad"], undefined],
    ["abcd", ["abcx", "abcy"], undefined],
    ["db-name", FLAGS, undefined],
    ["wait", FLAGS, undefined],
    ["timeout", FLAGS, undefined],
    ["x", FLAGS, undefined],
    ["", FLAGS, undefined],
    ["true", WORDS, undefined],
    ["start", WORDS, undefined],
    ["/usr/bin/status", WORDS, undefined],
  ] as const
) {
  Deno.test(`${JSON.stringify(word)} is nearest to ${meant}`, () => assert.equal(nearest(word, names), meant));
}
