/** A program and its arguments. */
export type Words = readonly string[];

/** A command of these words, without input and output unless the options say otherwise. */
export function command([program, ...args]: Words, options: Deno.CommandOptions = {}): Deno.Command {
  return new Deno.Command(program!, { args, stdin: "null", stdout: "null", ...options });
}

/**
 * Runs words to their end.
 *
 * @returns How long that took, in milliseconds.
 * @throws Error When they fail.
 */
export async function timed(words: Words, options: Deno.CommandOptions = {}): Promise<number> {
  const began = performance.now();
  const { success, code } = await command(words, options).spawn().status;
  const took = performance.now() - began;
  if (!success) throw new Error(`Ended with ${code}: ${words.join(" ")}`);
  return took;
}
