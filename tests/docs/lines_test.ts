/** Every line of the pages that starts sera, and every config file on them, is one that sera accepts. */

import assert from "node:assert/strict";
import { inProcess, testInProcess } from "../cli/in_process.ts";
import { Place } from "../cli/place.ts";
import { makeCertificates } from "../servers/certificates.ts";
import { freePort } from "../servers/free_port.ts";
import { ExitCode } from "../../lib/exit_codes.ts";
import { pages } from "./markdown.ts";

/** A line in a block of code, also after a prompt, without what a shell or a comment adds to it. */
const LINE = /^ {4,}(?:\$ )?sera (.+)$/gm;

const lines = pages().flatMap(({ path, text }) =>
  [...text.matchAll(LINE)].map(([, words]) => ({ path, words: words!.split(/ +(?:#|&&|\|) /)[0]!.trim().split(/ +/) }))
)
  // The grammar itself, and what would run: it needs no settings but this one.
  .filter(({ words }) => words[0] !== "[flags]" && words[0] !== "--server");

testInProcess("sera accepts the arguments of every line of the pages", async () => {
  await using place = await Place.make();
  const env = { SERA_SERVER: undefined, SERA_CONFIG: place.file("no-such.json") };
  assert.ok(lines.length > 40, `${lines.length}`);
  for (const { path, words } of lines) {
    // Wrong arguments are found before the missing config file.
    const { code, stderr } = await inProcess(place, words, { env });
    assert.equal(code, ExitCode.badConfig, `${path}: sera ${words.join(" ")}: ${stderr}`);
  }
});

/** A config file on a page. */
const FILE = /^ {4}\{\n(?: {4,}.*\n)+? {4}\}$/gm;

/** Without those that need a client's certificate. */
const files = pages().flatMap(({ path, text }) => [...text.matchAll(FILE)].map(([file]) => ({ path, file })))
  .filter(({ file }) => !file.includes("cert=/etc/"));

Deno.test("sera accepts every config file of the pages", async () => {
  await using place = await Place.make();
  assert.ok(files.length > 7, `${files.length}`);
  const nowhere = `127.0.0.1:${freePort()}`;
  const { ca } = await makeCertificates(place.path);
  for (const { path, file } of files) {
    const text = file.replaceAll(/(?:\w+\.example\.com|\[fd00::3\])(?::\d+)?/g, nowhere)
      .replace('"syslog": true', '"syslog": false')
      .replace(/\/etc\/ssl\/[\w-]+\.pem/, ca);
    await place.write("sera.json", text);
    const env = { SERA_SERVER: undefined, SERA_CONFIG: place.file("sera.json") };
    const { code, stdout } = await place.sera(["doctor"], { env });
    assert.equal(code, ExitCode.lockUnavailable, `${path}: ${stdout}`);
    assert.match(stdout, /^fail +connection .*: connection refused(?:; | \()/m, path);
  }
});
