import assert from "node:assert/strict";
import { inProcess, testInProcess } from "./in_process.ts";
import { Place } from "./place.ts";

for (const wait of ["0", "5", "007", "500ms", "1.5s", "1m30s", "2h", "forever", "99999999999999999999"]) {
  Deno.test(`${wait} is accepted as a wait`, async () => {
    await using place = await Place.make();
    assert.deepEqual(await place.sera([wait, "echo", "ran"]), { code: 0, stdout: "ran\n", stderr: "" });
  });
}

for (const wait of ["", "x", "true", "1.5", "5 s", "5x", "1e3", "0x10", "+5", "-", "never", "٣"]) {
  testInProcess(`${JSON.stringify(wait)} is not a wait: 201, with what was expected`, async () => {
    await using place = await Place.make();
    const { code, stdout, stderr } = await inProcess(place, [wait, "echo", "ran"]);
    assert.deepEqual({ code, stdout }, { code: 201, stdout: "" });
    assert.match(stderr, /^sera: Not a valid wait: [^\n]*\n$/);
    assert.ok(stderr.includes(`: ${wait || '""'};`), stderr);
    assert.match(stderr, /expected whole seconds, a duration such as 1m30s, or forever/);
  });
}

for (const wait of ["-5", "-500ms"]) {
  Deno.test(`a negative wait after --, ${wait}, is 201`, async () => {
    await using place = await Place.make();
    assert.equal((await place.sera(["--", wait, "echo", "ran"])).code, 201);
  });
}

const SPANS: Record<string, number> = { "0": 0, "300ms": 300, "1": 1000 };

for (const [wait, least] of Object.entries(SPANS)) {
  Deno.test(`a wait of ${wait} ends with 204 after that time`, async () => {
    await using place = await Place.make();
    await using holder = place.startSera(["--name", "n", "0", "sh", "-c", "echo ready; read _"], { stdin: "open" });
    await holder.says("ready");
    const began = performance.now();
    const { code } = await place.sera(["--name", "n", wait, "true"]);
    const took = performance.now() - began;
    assert.equal(code, 204);
    assert.ok(took >= least, `it took ${took} ms`);
  });
}
