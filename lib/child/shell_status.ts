/** What the helper shell knows. */
export interface ShellStatus {
  /** A mask of the signals that were ignored when sera was started, which sera itself can no longer see; 0 if unknown. */
  readonly ignored: number;
  /** A mask of the signals that never reach sera because they were blocked when it was started. */
  readonly blocked: number;
  /** Whether the shell has killed the command because the time limit passed. */
  readonly fenced: boolean;
  /** The numbers of the signals sent to sera's whole group since the last answer, if the shell is in the group. */
  readonly got: readonly number[];
}

/**
 * Parses the shell's answer.
 *
 * @param output The shell's output since the last answer.
 * @returns Undefined if the answer is not complete yet.
 */
export function parseStatus(output: string): ShellStatus | undefined {
  const answer = /^\d.*(?=\n)/m.exec(output)?.[0];
  if (answer === undefined) return undefined;
  const [ignored = 0, blocked = 0, fenced = 0, ...got] = answer.split(" ").map(Number);
  const quit = /^trap -- '' (SIG)?QUIT$/m.test(output) ? 4 : 0;
  return { ignored: ignored | quit, blocked, fenced: fenced === 1, got };
}
