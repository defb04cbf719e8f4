// Starts early: it starts sera often, on every kind of server.

import assert from "node:assert/strict";
import { fixture } from "./place.ts";
import { testOn, useTargets } from "./targets.ts";

for (const target of useTargets()) {
  testOn(
    target,
    `the lock on ${target.name} is kept until a command that takes its time to stop has ended`,
    async () => {
      await using started = await target.start();
      const { place } = started;
      await using holder = place.startSera(["--name", "n", "0", fixture("slow_to_stop.sh"), place.file("go")]);
      await holder.says("ready");
      holder.kill("SIGTERM");
      await holder.says("stopping");
      for (let i = 0; i < 3; i++) assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 204);
      assert.equal(holder.over, false);
      await place.write("go", "");
      assert.equal((await holder.ended).code, 7);
      assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 0);
    },
  );

  testOn(target, `the lock on ${target.name} is free when sera has ended`, async () => {
    await using started = await target.start();
    const { place } = started;
    for (const words of [["true"], ["false"], ["sh", "-c", "kill -9 $$"], ["no-such-command"], ["true"]]) {
      assert.notEqual((await place.sera(["--name", "n", "0", ...words])).code, 204, words.join(" "));
    }
  });
}
