import assert from "node:assert/strict";
import { type Copy, DockerfileParser } from "dockerfile-ast";
import { validate } from "dockerfile-utils";
import { dockerfileText, entrypoint } from "./dockerfile.ts";
import { exists, fileExample, page } from "./markdown.ts";

const DOCKERFILES = [
  ["the image's", dockerfileText()],
  ["the documented", fileExample("Dockerfile", page("docs/containers.md"))],
] as const;

for (const [name, text] of DOCKERFILES) {
  const file = DockerfileParser.parse(text);

  Deno.test(`a linter accepts the ${name} Dockerfile`, () => {
    assert.deepEqual(validate(text).map(({ message }) => message), []);
  });

  Deno.test(`the ${name} Dockerfile names a Debian release, not the latest`, () => {
    const images = file.getFROMs().map((from) => from.getImage());
    assert.ok(images.length > 0 && images.every((image) => image === "debian:bookworm-slim"), `${images}`);
  });

  Deno.test(`${name} Dockerfile ends with a user by number, who is not root`, () => {
    const users = file.getInstructions().filter((line) => line.getKeyword() === "USER").map((line) =>
      line.getArgumentsContent()
    );
    assert.match(users.at(-1) ?? "", /^[1-9]\d*:[1-9]\d*$/);
  });

  Deno.test(`${name} Dockerfile starts sera under tini, by words and not by a shell`, () => {
    assert.deepEqual(entrypoint(text), ["/usr/bin/tini", "-s", "--", "/usr/bin/sera"]);
  });
}

Deno.test("the image has no default command, so that arguments which got lost are an error", () => {
  assert.deepEqual(DockerfileParser.parse(dockerfileText()).getCMDs().map((line) => line.getArgumentsContent()), []);
});

Deno.test("what the image copies is in the build context, and nothing else is", () => {
  const copied = DockerfileParser.parse(dockerfileText()).getCOPYs()
    .filter((copy: Copy) => !copy.getFlags().some((flag) => flag.getName() === "from"))
    .flatMap((copy) => copy.getArguments().slice(0, -1).map((source) => source.getValue()))
    .flatMap((source) => ["amd64", "arm64"].map((arch) => source.replace("${TARGETARCH}", arch)));
  const [all, ...excepted] = Deno.readTextFileSync(`${import.meta.dirname}/../../.dockerignore`).trim().split("\n");
  assert.equal(all, "*");
  assert.deepEqual(excepted.map((line) => line.replace("!", "")).toSorted(), [...new Set(copied)].toSorted());
  // The built files do not exist before the release.
  const release = Deno.readTextFileSync(`${import.meta.dirname}/../../.github/workflows/release.yml`);
  const isThere = (source: string) => source.startsWith("dist/") ? release.includes(` ${source}\n`) : exists(source);
  assert.deepEqual(copied.filter((source) => !isThere(source)), []);
});
