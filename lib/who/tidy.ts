import { textFrom, timeFrom } from "../foreign.ts";
import { printable } from "../printable.ts";
import type { Sighting } from "./sighting.ts";

/** A sighting without what would do a terminal harm, and without what makes no sense. */
export function tidy(sighting: Sighting): Sighting {
  const { host, label, user, address, since, sinceIs } = sighting;
  const time = timeFrom(since);
  return {
    ...sighting,
    lock: tidyText(sighting.lock) ?? "",
    host: tidyText(host),
    label: tidyText(label),
    user: tidyText(user),
    address: tidyText(address),
    since: time,
    sinceIs: time === undefined ? undefined : sinceIs,
  };
}

/** Undefined if nothing is left. */
function tidyText(text: string | undefined): string | undefined {
  return printable(textFrom(text) ?? "").trim() || undefined;
}
