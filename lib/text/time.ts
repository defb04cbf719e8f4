/** Moments and ages as people read them. */

const UNITS = [["d", 24 * 3600], ["h", 3600], ["min", 60], ["s", 1]] as const;

/** A moment for people, in UTC, to the second: `2026-11-22 10:00:05Z`. */
export function timeOf(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19).replace("T", " ")}Z`;
}

/**
 * As {@linkcode timeOf}, in the local time zone (TZ): `2026-11-22 11:00:05+01`, `2026-11-22 15:30:05+05:30`; where that is
 * UTC, the same. For a person at a terminal; what a program may read, or somebody elsewhere, stays in UTC.
 */
export function localTime(milliseconds: number): string {
  // Half hours and quarters are in use; what has seconds was before 1972, and is shown by the minute.
  const ahead = -Math.trunc(new Date(milliseconds).getTimezoneOffset());
  if (ahead === 0) return timeOf(milliseconds);
  const [hours, minutes] = [Math.floor(Math.abs(ahead) / 60), Math.abs(ahead) % 60].map((n) => `${n}`.padStart(2, "0"));
  const zone = `${ahead < 0 ? "-" : "+"}${hours}${minutes === "00" ? "" : `:${minutes}`}`;
  return timeOf(milliseconds + ahead * 60_000).replace("Z", zone);
}

/** How to tell moments: {@linkcode localTime} at a terminal, else {@linkcode timeOf}. */
export type TellTime = (milliseconds: number) => string;

/** @param width The terminal's width; undefined if there is no terminal. */
export function tellTimeAt(width: number | undefined): TellTime {
  return width === undefined ? timeOf : localTime;
}

/**
 * A span in its two greatest units, cut off: `20 s`, `3 min 20 s`, `2 h`, `1 d 4 h`.
 *
 * @param ms Milliseconds; a negative span, as between two clocks, is `0 s`.
 */
export function roughSpan(ms: number): string {
  return partsOf(ms).join(" ");
}

/**
 * How long ago, in one unit, cut off: `20 s ago`, `3 min ago`, `2 h ago`, `1 d ago`.
 *
 * @param since Milliseconds since 1970, by a clock that may be ahead: then it is `0 s ago`.
 */
export function ago(since: number, now: number): string {
  return `${partsOf(now - since)[0]} ago`;
}

/** The two greatest units of a span; only one if the second is zero. */
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
