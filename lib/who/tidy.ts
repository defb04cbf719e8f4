import { textFrom, timeFrom } from "../text/foreign.ts";
import { printable } from "../text/printable.ts";
import type { Sighting, Stranger } from "./sighting.ts";

/** A sighting without invalid values, and with long texts cut. The texts may still hold control characters. */
export function sensible(sighting: Sighting): Sighting {
  const { lock, namespace, name, since, sinceIs } = sighting;
  const time = timeFrom(since);
  return {
    ...sensibleWho(sighting),
    lock: textFrom(lock) ?? "",
    namespace: textFrom(namespace),
    name: textFrom(name),
    since: time,
    sinceIs: time === undefined ? undefined : sinceIs,
  };
}

/** As {@linkcode sensible}, for the part that sightings and strangers share. */
export function sensibleWho<Who extends Omit<Stranger, "session">>(who: Who): Who {
  const { host, label, user, address } = who;
  return {
    ...who,
    host: textFrom(host) || undefined,
    label: textFrom(label) || undefined,
    user: textFrom(user) || undefined,
    address: textFrom(address) || undefined,
  };
}

/** A sighting for people: without control characters and without invalid values. */
export function tidy(sighting: Sighting): Sighting {
  const { lock, namespace, name } = sighting;
  return {
    ...tidyWho(sensible(sighting)),
    lock: tidyText(lock) ?? "",
    namespace: tidyText(namespace),
    name: tidyText(name),
  };
}

/** As {@linkcode tidy}, for the part that sightings and strangers share. */
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

/** A text without control characters; undefined if nothing is left. */
function tidyText(text: string | undefined): string | undefined {
  return printable(textFrom(text) ?? "").trim() || undefined;
}
