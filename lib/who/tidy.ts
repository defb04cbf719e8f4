import { textFrom, timeFrom } from "../text/untrusted.ts";
import { printable } from "../text/printable.ts";
import type { OtherSession, Sighting } from "./sighting.ts";

/** A sighting without invalid values, and with long texts cut. The texts may still hold control characters. */
export function validated(sighting: Sighting): Sighting {
  const { lock, namespace, name, since, sinceIs } = sighting;
  const time = timeFrom(since);
  return {
    ...validatedProcess(sighting),
    lock: textFrom(lock) ?? "",
    namespace: textFrom(namespace),
    name: textFrom(name),
    since: time,
    sinceIs: time === undefined ? undefined : sinceIs,
  };
}

/** As {@linkcode validated}, for the part that sightings and other sessions share. */
export function validatedProcess<Who extends Omit<OtherSession, "session">>(who: Who): Who {
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
    ...tidyProcess(validated(sighting)),
    lock: tidyText(lock) ?? "",
    namespace: tidyText(namespace),
    name: tidyText(name),
  };
}

/** As {@linkcode tidy}, for the part that sightings and other sessions share. */
export function tidyProcess<Who extends Omit<OtherSession, "session">>(who: Who): Who {
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
