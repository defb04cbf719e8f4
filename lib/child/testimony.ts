/** What the helper shell knows. */
export interface Testimony {
  /** A mask of the signals that were ignored when sera was started, which sera itself cannot see any more; 0 if unknown. */
  readonly ignored: number;
  /** A mask of the signals that never reach sera, because they were blocked when it was started. */
  readonly blocked: number;
  /** Whether the time limit has passed, so that the shell has killed the command. */
  readonly fenced: boolean;
  /** The numbers of the signals sent to sera's whole group since the last testimony, if the shell is in the group. */
  readonly got: readonly number[];
}

/**
 * Parses the shell's answer.
 *
 * @param said The shell's output since the last testimony.
 * @returns Undefined if the answer is not complete yet.
 */
export function parseTestimony(said: string): Testimony | undefined {
  const answer = /^\d.*(?=\n)/m.exec(said)?.[0];
  if (answer === undefined) return undefined;
  const [ignored = 0, blocked = 0, fenced = 0, ...got] = answer.split(" ").map(Number);
  const quit = /^trap -- '' (SIG)?QUIT$/m.test(said) ? 4 : 0;
  return { ignored: ignored | quit, blocked, fenced: fenced === 1, got };
}
