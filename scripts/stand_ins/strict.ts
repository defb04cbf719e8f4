/**
 * What every stand-in is wrapped in, so that it fails loudly: it throws, with its name, when a driver asks it for what it
 * does not have. Part of the program, see scripts/stand_ins.ts.
 *
 * @module
 */

/** Ends the call that a stand-in cannot answer. */
export function refuse(name: string, what: string): never {
  throw new Error(`The stand-in for ${name} ${what}; see scripts/stand_ins.ts`);
}

/**
 * A module with the known members, which throws when another one is used.
 *
 * @param idle Members that are only passed on and never called, by name.
 */
export function strict<T extends object>(name: string, known: T, idle: readonly string[] = []): T {
  return new Proxy(known, {
    get(known, key) {
      // Symbols are the language's own questions, such as how to print it.
      if (key in known || typeof key === "symbol") return Reflect.get(known, key);
      return idle.includes(key) ? unused(`${name}: ${key}`) : refuse(name, `has no ${key}`);
    },
  });
}

/** A class or function that must not be called or read; it may be subclassed. */
export function unused(name: string): object {
  return new Proxy(class {}, {
    get(target, key) {
      return key === "prototype" || typeof key === "symbol"
        ? Reflect.get(target, key)
        : refuse(name, `is never used, and has no ${key}`);
    },
    apply: () => refuse(name, "is never used, and cannot be called"),
    construct: () => refuse(name, "is never used, and makes no objects"),
  });
}
