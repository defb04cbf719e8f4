/** What others wrote is a blank for people where it would deceive them, and as it was for programs. */
// Starts early: it starts sera often, on every kind of server.

import assert from "node:assert/strict";
import { fixture } from "./place.ts";
import { testOn, useTargets } from "./targets.ts";

/** Text that is turned round, a mark without shape, and characters that control a terminal. */
const LABEL = " a\u202eb\u200ec\u001b[31md\ne\u061c";
const SHOWN = /\ba b c \[31md e\b/;

for (const target of useTargets()) {
  testOn(target, `a label of others is as it was in JSON, and harmless in text, on ${target.name}`, async () => {
    await using started = await target.start();
    const { place } = started;
    const flags = ["--ledger", "--label", LABEL, "--name", "n"];
    await using holder = place.startSera([...flags, "0", fixture("hold.sh")], { stdin: "open" });
    await holder.says("ready");

    const { stdout: status } = await place.sera(["status", "--json", "--name", "n"]);
    assert.doesNotMatch(status, /[^ -~\n]/);
    assert.equal(JSON.parse(status).locks[0].holder.label, LABEL);
    const { stdout: history } = await place.sera(["history", "--json", "--name", "n"]);
    assert.doesNotMatch(history, /[^ -~\n]/);
    assert.equal(JSON.parse(history).runs[0].label, LABEL);
    const { stdout: log } = await place.sera(["--log-format", "json", "--verbose", "--name", "n", "0", "true"]);
    const busy = JSON.parse(log.trimEnd().split("\n").at(-1)!);
    assert.equal(busy.holder.label, LABEL);
    assert.match(busy.message, SHOWN);

    for (
      const words of [["status"], ["status", "--name", "n"], ["history"], ["--verbose", "--name", "n", "0", "true"]]
    ) {
      const { stdout } = await place.sera(words);
      assert.match(stdout, SHOWN);
      assert.doesNotMatch(stdout, /[^ -~\n]/);
    }
    await holder.closeStdin();
    assert.equal((await holder.ended).code, 0);
  });

  testOn(target, `a run on ${target.name} reports the lock only once the ledger permits the run`, async () => {
    await using started = await target.start();
    const { place } = started;
    const flags = ["--verbose", "--wait-and-skip", "--every", "1h", "--name", "every", "0", "true"];
    const first = await place.sera(flags);
    assert.match(first.stdout, /^First past the post - executing the command\.\nLock acquired /m);
    const second = await place.sera(flags);
    assert.equal(second.code, 0);
    assert.doesNotMatch(second.stdout, /First past the post|executing/);
    assert.match(second.stdout, /^Done within the last 1h: [^\n]+ - skipped the command\.$/m);
  });
}
