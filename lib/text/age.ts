/** Spans and ages as people read them. */

const UNITS = [["d", 24 * 3600], ["h", 3600], ["min", 60], ["s", 1]] as const;

/**
 * A span in its two largest units, rounded down: `20 s`, `3 min 20 s`, `2 h`, `1 d 4 h`.
 *
 * @param ms Milliseconds; a negative span, as between two clocks, is `0 s`.
 */
export function roughSpan(ms: number): string {
  return partsOf(ms).join(" ");
}

/**
 * How long ago, in one unit, rounded down: `20 s ago`, `3 min ago`, `2 h ago`, `1 d ago`.
 *
 * @param since Milliseconds since 1970, by a clock that may be ahead: then it is `0 s ago`.
 */
export function ago(since: number, now: number): string {
  return `${partsOf(now - since)[0]} ago`;
}

/** The two largest units of a span; only one if the second is zero. */
function partsOf(ms: number): readonly [string, ...string[]] {
  let rest = Math.max(0, Math.floor(ms / 1000));
  const first = Math.max(0, UNITS.findIndex(([, seconds]) => rest >= seconds));
  const parts = UNITS.slice(rest === 0 ? -1 : first).slice(0, 2).map(([unit, seconds]) => {
    const count = Math.floor(rest / seconds);
    rest -= count * seconds;
    return [count, unit] as const;
  });
  const [[count, unit], second] = parts as [typeof parts[0], typeof parts[1]?];
  return second && second[0] > 0 ? [`${count} ${unit}`, `${second[0]} ${second[1]}`] : [`${count} ${unit}`];
}
