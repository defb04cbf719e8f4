/** Points in time, formatted for people. */

/** In UTC, to the second: `2026-11-22 10:00:05Z`. */
export function utcTime(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19).replace("T", " ")}Z`;
}

/**
 * As {@linkcode utcTime}, in the local time zone (TZ): `2026-11-22 11:00:05+01`, `2026-11-22 15:30:05+05:30`; where that is
 * UTC, the same. Only for a person at this terminal: output for programs, or for people elsewhere, stays in UTC.
 */
export function localTime(milliseconds: number): string {
  // Offsets of half and quarter hours exist. Those with seconds ended in 1972, and are cut to minutes.
  const ahead = -Math.trunc(new Date(milliseconds).getTimezoneOffset());
  if (ahead === 0) return utcTime(milliseconds);
  const [hours, minutes] = [Math.floor(Math.abs(ahead) / 60), Math.abs(ahead) % 60].map((n) => `${n}`.padStart(2, "0"));
  const zone = `${ahead < 0 ? "-" : "+"}${hours}${minutes === "00" ? "" : `:${minutes}`}`;
  return utcTime(milliseconds + ahead * 60_000).replace("Z", zone);
}

/** Formats a point in time: {@linkcode localTime} at a terminal, else {@linkcode utcTime}. */
export type FormatTime = (milliseconds: number) => string;

/** @param width The terminal's width; undefined if there is no terminal. */
export function timeFormatAt(width: number | undefined): FormatTime {
  return width === undefined ? utcTime : localTime;
}
