/** The image's Dockerfile, read as its tests need it. */

import { DockerfileParser } from "dockerfile-ast";

const PATH = `${import.meta.dirname}/../../Dockerfile`;

/** The Dockerfile's text. */
export function dockerfileText(): string {
  return Deno.readTextFileSync(PATH);
}

/** The words of a Dockerfile's ENTRYPOINT, which has to be in exec form: a shell in between would get the signals. */
export function entrypoint(text: string = dockerfileText()): string[] {
  const words = DockerfileParser.parse(text).getENTRYPOINTs().at(-1)?.getJSONStrings() ?? [];
  if (words.length === 0) throw new Error("the Dockerfile has no ENTRYPOINT in exec form");
  return words.map((word) => word.getJSONValue());
}
