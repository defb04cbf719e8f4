import { textFrom, timeFrom } from "../foreign.ts";
import { printable } from "../printable.ts";
import type { Sighting, Stranger } from "./sighting.ts";

/** A sighting without what would do a terminal harm, and without what makes no sense. */
export function tidy(sighting: Sighting): Sighting {
  const { namespace, name, since, sinceIs } = sighting;
  const time = timeFrom(since);
  return {
    ...tidyWho(sighting),
    lock: tidyText(sighting.lock) ?? "",
    namespace: tidyText(namespace),
    name: tidyText(name),
    since: time,
    sinceIs: time === undefined ? undefined : sinceIs,
  };
}

/** The same of somebody of whom nothing else is known. */
export function tidyWho<Who extends Omit<Stranger, "session">>(who: Who): Who {
  const { host, label, user, address } = who;
  return {
    ...who,
    host: tidyText(host),
    label: tidyText(label),
    user: tidyText(user),
    address: tidyText(address),
  };
}

/** Undefined if nothing is left. */
function tidyText(text: string | undefined): string | undefined {
  return printable(textFrom(text) ?? "").trim() || undefined;
}
