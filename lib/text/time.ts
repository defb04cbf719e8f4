/** A moment for people, in UTC, to the second: `2026-11-22 10:00:05Z`. */
export function timeOf(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19).replace("T", " ")}Z`;
}
