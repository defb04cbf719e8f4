import { fnv1, isNamespacedName, namespacedName } from "../lock/namespaced_name.ts";
import type { Presence } from "../lock/presence.ts";
import type { Sighting } from "./sighting.ts";
import { tidy } from "./tidy.ts";

/** heimdall's default namespace, and its default name. */
const HEIMDALLS = "heimdall";

/** How many characters of an md5 name are shown to people. */
const SHORT_NAME = 12;

/** The names that a holder or waiter reports for its lock, if the lock's numbers match them: a report may be forged. */
export function reportedNames({ lock, namespace, name }: Presence): Pick<Sighting, "namespace" | "name"> {
  if (namespace === undefined || !isNamespacedName(lock)) return {};
  if (name !== undefined) return namespacedName(namespace, name) === lock ? { namespace, name } : {};
  return lock.startsWith(`${fnv1(namespace)},`) ? { namespace } : {};
}

/**
 * Adds missing names to a namespaced lock, if one of these matches its numbers: the namespace that was asked for,
 * heimdall's default, or the label.
 *
 * @param asked The namespace that was asked for.
 */
export function withNames(sighting: Sighting, asked: string | undefined): Sighting {
  const { lock, label } = sighting;
  if (!isNamespacedName(lock)) return sighting;
  const [high, low] = lock.split(",");
  const find = (half: string, candidates: readonly (string | undefined)[]) =>
    candidates.find((candidate) => candidate !== undefined && String(fnv1(candidate)) === half);
  return {
    ...sighting,
    namespace: sighting.namespace ?? find(high!, [asked, HEIMDALLS]),
    name: sighting.name ?? find(low!, [label, HEIMDALLS]),
  };
}

/**
 * A lock as people see it, and as `--lock` accepts it: the beginning of an md5 name; for a namespaced lock its two names,
 * with a number in place of a name that is not known.
 */
export function shownLock({ lock, namespace, name }: Pick<Sighting, "lock" | "namespace" | "name">): string {
  if (!isNamespacedName(lock)) return lock.slice(0, SHORT_NAME);
  if (namespace === undefined && name === undefined) return lock;
  const [high, low] = lock.split(",");
  return `${namespace ?? high}/${name ?? low}`;
}

/**
 * Whether `--lock` asks for this lock: by the beginning of its shown or full name, or, if the user has also given a
 * namespace, of its name in that namespace.
 *
 * @param inNamespace Whether only the locks of one namespace are asked about.
 */
export function isAskedFor(sighting: Sighting, prefix: string, inNamespace = false): boolean {
  const { lock, name } = sighting;
  if (isNamespacedName(lock)) {
    if (inNamespace && [name, tidy(sighting).name].some((name) => name?.startsWith(prefix))) return true;
    // Names that are not known can still be matched by their numbers, if `--lock` gives them in full.
    const whole = [`${fnv1(prefix.replace(/\/$/, ""))},`, ...beginningsOf({ prefix })!];
    if (whole.some((beginning) => lock.startsWith(beginning))) return true;
  }
  const shown = [sighting, tidy(sighting)].map(shownLock);
  // On PostgreSQL only the first half of an md5 name may be known.
  return shown.some((text) => text.startsWith(prefix)) || lock.startsWith(prefix) || isOfLock(sighting, prefix);
}

/** Whether a sighting is one of the lock with this name, of which only the first half may be known. */
export function isOfLock({ lock }: Sighting, name: string): boolean {
  return lock === name || /^[0-9a-f]{16}$/.test(lock) && name.startsWith(lock);
}

/** Whether `--lock` may ask for this lock: that is not known, since the names behind its numbers are not. */
export function mayBeAskedFor({ lock, namespace, name }: Sighting, prefix: string): boolean {
  if (!isNamespacedName(lock) || namespace !== undefined && name !== undefined) return false;
  return namespace === undefined || `${namespace}/`.startsWith(prefix.slice(0, namespace.length + 1));
}

/**
 * The possible beginnings of the full names of the locks that `--lock` or a namespace asks for; undefined if neither is
 * given.
 */
export function beginningsOf(
  { prefix, namespace }: { readonly prefix?: string | undefined; readonly namespace?: string | undefined },
): readonly string[] | undefined {
  const inNamespace = namespace === undefined ? undefined : `${fnv1(namespace)},`;
  if (prefix === undefined) return inNamespace === undefined ? undefined : [inNamespace];
  const beginnings = /^[-0-9a-f,]+$/.test(prefix) ? [prefix] : [];
  // A namespace may contain a slash too.
  for (let slash = prefix.indexOf("/"); slash >= 0; slash = prefix.indexOf("/", slash + 1)) {
    const [namespace, name] = [prefix.slice(0, slash), prefix.slice(slash + 1)];
    const high = /^-?\d+$/.test(namespace) ? namespace : String(fnv1(namespace));
    if (/^-?\d*$/.test(name)) beginnings.push(`${high},${name}`);
    beginnings.push(`${high},${fnv1(name)}`);
  }
  return inNamespace === undefined ? beginnings : beginnings.filter((beginning) => beginning.startsWith(inNamespace));
}
