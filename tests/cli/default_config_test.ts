import assert from "node:assert/strict";
import { mountNamespace, testWith } from "./needs.ts";
import { Place } from "./place.ts";
import type { Ended } from "./running.ts";

/** Runs sera where /etc holds nothing but a sera.json with this text; without a text, nothing at all. */
async function withEtc(place: Place, text: string | undefined, args: string[], server?: string): Promise<Ended> {
  await Deno.mkdir(place.file("etc"), { recursive: true });
  if (text !== undefined) await place.write("etc/sera.json", text);
  const mount = 'mount --bind "$0" /etc && exec sera "$@"';
  return await place.run(["unshare", "--mount", "sh", "-c", mount, place.file("etc"), ...args], {
    env: { SERA_SERVER: server },
  });
}

testWith([mountNamespace], "/etc/sera.json is the default config file", async () => {
  await using place = await Place.make();
  const text = JSON.stringify({ server: place.server, verbose: "stderr" });
  const { code, stdout, stderr } = await withEtc(place, text, ["0", "echo", "ran"]);
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "ran\n" });
  assert.match(stderr, /Lock acquired/);
});

testWith(
  [mountNamespace],
  "without /etc/sera.json and a server sera says where it looked and how to go on",
  async () => {
    await using place = await Place.make();
    const { code, stdout, stderr } = await withEtc(place, undefined, ["0", "echo", "ran"]);
    assert.deepEqual({ code, stdout }, { code: 200, stdout: "" });
    assert.match(stderr, /^sera: No config file: \/etc\/sera\.json; [^\n]*"server"[^\n]*--server file:[^\n]*\n$/);
  },
);

const USELESS: Record<string, string | undefined> = { missing: undefined, broken: "{", "without a server": "{}" };

for (const [state, text] of Object.entries(USELESS)) {
  testWith(
    [mountNamespace],
    `a default config file that is ${state} does not matter with --server or SERA_SERVER`,
    async () => {
      await using place = await Place.make();
      const ran = { code: 0, stdout: "ran\n", stderr: "" };
      assert.deepEqual(await withEtc(place, text, ["--server", place.server, "0", "echo", "ran"]), ran);
      assert.deepEqual(await withEtc(place, text, ["0", "echo", "ran"], place.server), ran);
    },
  );
}

testWith([mountNamespace], "a default config file that --server works round is told of when verbose", async () => {
  await using place = await Place.make();
  const { code, stdout } = await withEtc(place, "{", ["--server", place.server, "--verbose", "0", "true"]);
  assert.equal(code, 0);
  assert.match(stdout, /\/etc\/sera\.json: not valid JSON at line 1/);
});
