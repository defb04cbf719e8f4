import { ConfigError } from "./errors.ts";

/** An environment variable is no text. */
export class VariableError extends ConfigError {}

/** What sera sees of the process around it, so that a test can stand in for it. */
export interface Io {
  /**
   * An environment variable; an empty one counts as absent.
   *
   * @throws {VariableError} When it is not UTF-8, which is what everything that sera passes it on to takes.
   */
  env(name: string): string | undefined;
  /** Writes to stdout. */
  out(text: string): void;
  /** Writes to stderr. */
  err(text: string): void;
}

/** The real process. */
export const processIo: Io = {
  env: readVariable,
  out: (text) => writeFully(Deno.stdout, text),
  err: (text) => writeFully(Deno.stderr, text),
};

function readVariable(name: string): string | undefined {
  try {
    return Deno.env.get(name) || undefined;
  } catch (error) {
    // The runtime's message holds the value, which may be a password.
    if (!(error instanceof Deno.errors.InvalidData)) throw error;
    throw new VariableError(`Cannot use the variable ${name}: it is not UTF-8; set it in UTF-8, or take it out`);
  }
}

/** Pause before another try when a pipe that somebody made non-blocking is full, in milliseconds. */
const FULL_PIPE_PAUSE = 5;
/** How often to try; a reader that takes nothing for this long does not get the line. */
const FULL_PIPE_TRIES = 200;

/**
 * Writes all of the text. What sera says must never decide about the command: a reader that has gone, a full disk or a
 * full pipe costs the line, not the run.
 */
function writeFully(stream: typeof Deno.stdout, text: string): void {
  let rest = new TextEncoder().encode(text);
  for (let tries = 0; rest.length > 0 && tries < FULL_PIPE_TRIES; tries++) {
    try {
      rest = rest.subarray(stream.writeSync(rest));
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_PAUSE);
    }
  }
}
