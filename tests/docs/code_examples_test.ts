import assert from "node:assert/strict";

const ROOT = `${import.meta.dirname}/../..`;

Deno.test("the examples in the code's documentation work as described", async () => {
  const args = ["test", "--quiet", "--doc", "--allow-read", "--allow-sys", "lib"];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.ok(success, said);
  assert.match(said, new RegExp(`^ok \\| ${examplesIn(`${ROOT}/lib`)} passed \\| 0 failed`, "m"));
});

function examplesIn(folder: string): number {
  let count = 0;
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    count += isDirectory ? examplesIn(path) : Deno.readTextFileSync(path).split("* @example").length - 1;
  }
  return count;
}
