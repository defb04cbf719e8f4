/** `sera completion`, for those who have the program alone. */

import assert from "node:assert/strict";
import { SHELLS } from "../../lib/args/completion_help.ts";
import { COMPLETIONS } from "../../scripts/completions.ts";
import { inProcess, testInProcess } from "./in_process.ts";
import { testWith, tool } from "./needs.ts";
import { Place } from "./place.ts";

for (const shell of SHELLS) {
  Deno.test(`sera completion ${shell} prints what the packages have, without a server`, async () => {
    await using place = await Place.make();
    const { code, stdout, stderr } = await place.sera(["completion", shell], { env: { SERA_SERVER: undefined } });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.equal(stdout, COMPLETIONS[shell]!());
  });

  testWith([tool(shell, "-c", "true")], `${shell} reads what sera completion ${shell} prints`, async () => {
    await using place = await Place.make();
    const path = await place.write("completion", COMPLETIONS[shell]!());
    const { code, stderr } = await place.run([shell, "-n", path]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  });
}

/** The arguments, and sera's message. */
const WRONG: readonly (readonly [words: string[], says: string])[] = [
  [[], "Cannot tell which shell to complete for; write sera completion bash|zsh|fish"],
  [["fihs"], "No completion for this shell: fihs; did you mean fish?"],
  [["powershell"], "No completion for this shell: powershell; there is one for each of bash, zsh, fish"],
  [["bash", "zsh"], "Unexpected word after the flags: zsh; usage: sera completion bash|zsh|fish"],
];

for (const [words, says] of WRONG) {
  testInProcess(`sera completion ${words.join(" ")}: ${says}`, async () => {
    await using place = await Place.make();
    assert.deepEqual(await inProcess(place, ["completion", ...words]), {
      code: 201,
      stdout: "",
      stderr: `sera: ${says}\n`,
    });
  });
}
