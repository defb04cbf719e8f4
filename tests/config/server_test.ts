import assert from "node:assert/strict";
import { parseServer } from "../../lib/config/server.ts";
import { ConfigError } from "../../lib/errors.ts";

const isWindows = Deno.build.os === "windows";

const FOLDERS: [string, string | undefined][] = isWindows
  ? [["file:", undefined], ["file:C:\\locks", "C:\\locks"], ["file:C:/locks", "C:/locks"]]
  : [
    ["file:", undefined],
    ["file:/var/lib/sera", "/var/lib/sera"],
    ["file:/var/lib/sera/", "/var/lib/sera"],
    ["file:///var/lib/sera", "/var/lib/sera"],
    ["file:/with space/and@sign", "/with space/and@sign"],
    ["file:/", "/"],
  ];

for (const [text, folder] of FOLDERS) {
  Deno.test(`server ${text}`, async () => {
    assert.deepEqual(await parseServer(text, "the test"), { kind: "file", folder });
  });
}

for (const text of ["file:locks", "file:./locks", "file:~/locks", "file://host/locks"]) {
  Deno.test(`server refused: ${text}`, async () => {
    await assert.rejects(parseServer(text, "/etc/sera.json"), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(
        error.message,
        /^Cannot use the server in \/etc\/sera\.json: file: takes an absolute path, such as /,
      );
      return true;
    });
  });
}

Deno.test("a server that is a MySQL DSN is read as one", async () => {
  const server = await parseServer("sera:secret@tcp(db.example.org:3307)/?timeout=500ms", "the test");
  assert.ok(server.kind === "mysql");
  assert.deepEqual(server.address, { transport: "tcp", host: "db.example.org", port: 3307 });
  assert.equal(server.password, "secret");
});

Deno.test("a server that is nothing known says where it was written, and repeats no password", async () => {
  for (
    const text of [
      "sera:secret@tcp(h:1)",
      "sera:secret@tcp(h:1/",
      "sera:secret@tcp(h:1)/?timeout=5",
      "x:secret@ftp(h)/",
    ]
  ) {
    await assert.rejects(parseServer(text, "SERA_SERVER"), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /^Cannot use the server in SERA_SERVER: [^\n]+$/);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  }
});

Deno.test("a PostgreSQL server is refused until it is supported, without its password", async () => {
  for (const scheme of ["postgres", "postgresql", "POSTGRES"]) {
    await assert.rejects(parseServer(`${scheme}://sera:secret@host/db`, "the test"), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /PostgreSQL/);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  }
});
