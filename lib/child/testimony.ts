/** What the shell beside the command knows. */
export interface Testimony {
  /** A mask of the signals that were ignored when sera was started, which sera itself cannot see any more; 0 if unknown. */
  readonly ignored: number;
  /** A mask of the signals that never reach sera, because they were blocked when it was started. */
  readonly blocked: number;
  /** Whether the time was over, and the shell has killed the command. */
  readonly fenced: boolean;
  /** The numbers of the signals that sera's whole group was sent since the last testimony, if the shell is in it. */
  readonly got: readonly number[];
}

/**
 * Reads what the shell has said.
 *
 * @param said All of it since the last testimony.
 * @returns Undefined if there is no whole answer yet.
 */
export function parseTestimony(said: string): Testimony | undefined {
  const answer = /^\d.*(?=\n)/m.exec(said)?.[0];
  if (answer === undefined) return undefined;
  const [ignored = 0, blocked = 0, fenced = 0, ...got] = answer.split(" ").map(Number);
  const quit = /^trap -- '' (SIG)?QUIT$/m.test(said) ? 4 : 0;
  return { ignored: ignored | quit, blocked, fenced: fenced === 1, got };
}
