import { fnv1, isNamespacedName, namespacedName } from "../lock/namespaced_name.ts";
import type { Presence } from "../lock/presence.ts";
import type { Sighting } from "./sighting.ts";
import { tidy } from "./tidy.ts";

/** heimdall's namespace, and name, where it is given none. */
const HEIMDALLS = "heimdall";

/** How much of an md5 name is shown to people, in characters. */
const SHORT_NAME = 12;

/** Names that somebody tells of a lock, if they are what its numbers are made of: anybody may say anything. */
export function namesTold({ lock, namespace, name }: Presence): Pick<Sighting, "namespace" | "name"> {
  if (namespace === undefined || !isNamespacedName(lock)) return {};
  if (name !== undefined) return namespacedName(namespace, name) === lock ? { namespace, name } : {};
  return lock.startsWith(`${fnv1(namespace)},`) ? { namespace } : {};
}

/**
 * Adds to a namespaced lock the names that nobody has told and that are known all the same: the namespace that was asked
 * for, heimdall's own, and a label that is the name.
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
 * A lock as people see it, and as `--lock` takes it: the beginning of an md5 name; of a namespaced one the two names, with
 * a number in the place of one that nobody tells.
 */
export function shownLock({ lock, namespace, name }: Pick<Sighting, "lock" | "namespace" | "name">): string {
  if (!isNamespacedName(lock)) return lock.slice(0, SHORT_NAME);
  if (namespace === undefined && name === undefined) return lock;
  const [high, low] = lock.split(",");
  return `${namespace ?? high}/${name ?? low}`;
}

/**
 * Whether a lock is one of those that `--lock` asks for: by what is shown of it, or by its whole name; within a namespace
 * that is asked for besides, also by its name alone.
 *
 * @param inNamespace Whether only the locks of one namespace are asked about.
 */
export function isAskedFor(sighting: Sighting, prefix: string, inNamespace = false): boolean {
  const { lock, name } = sighting;
  if (isNamespacedName(lock)) {
    if (inNamespace && [name, tidy(sighting).name].some((name) => name?.startsWith(prefix))) return true;
    // Of names that nobody tells, whole ones can be known by their numbers.
    const whole = [`${fnv1(prefix.replace(/\/$/, ""))},`, ...beginningsOf({ prefix })!];
    if (whole.some((beginning) => lock.startsWith(beginning))) return true;
  }
  const shown = [sighting, tidy(sighting)].map(shownLock);
  // PostgreSQL keeps only half of a name.
  return shown.some((text) => text.startsWith(prefix)) || lock.startsWith(prefix) ||
    /^[0-9a-f]{16}$/.test(lock) && prefix.startsWith(lock);
}

/** Whether `--lock` cannot tell if this is one of those it asks for, since nobody tells the names behind its numbers. */
export function mayBeAskedFor({ lock, namespace, name }: Sighting, prefix: string): boolean {
  if (!isNamespacedName(lock) || namespace !== undefined && name !== undefined) return false;
  return namespace === undefined || `${namespace}/`.startsWith(prefix.slice(0, namespace.length + 1));
}

/**
 * How the names of the locks begin that are asked for by what is shown of them, or by a namespace; undefined where neither
 * is.
 */
export function beginningsOf(
  { prefix, namespace }: { readonly prefix?: string | undefined; readonly namespace?: string | undefined },
): readonly string[] | undefined {
  const inNamespace = namespace === undefined ? undefined : `${fnv1(namespace)},`;
  if (prefix === undefined) return inNamespace === undefined ? undefined : [inNamespace];
  const beginnings = /^[-0-9a-f,]+$/.test(prefix) ? [prefix] : [];
  // A namespace may have a slash in it too.
  for (let slash = prefix.indexOf("/"); slash >= 0; slash = prefix.indexOf("/", slash + 1)) {
    const [namespace, name] = [prefix.slice(0, slash), prefix.slice(slash + 1)];
    const high = /^-?\d+$/.test(namespace) ? namespace : String(fnv1(namespace));
    if (/^-?\d*$/.test(name)) beginnings.push(`${high},${name}`);
    beginnings.push(`${high},${fnv1(name)}`);
  }
  return inNamespace === undefined ? beginnings : beginnings.filter((beginning) => beginning.startsWith(inNamespace));
}
