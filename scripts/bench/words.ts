/** A program and its arguments. */
export type Words = readonly string[];

/** A command of these words, without input and output unless the options say otherwise. */
export function command([program, ...args]: Words, options: Deno.CommandOptions = {}): Deno.Command {
  return new Deno.Command(program!, { args, stdin: "null", stdout: "null", ...options });
}
