/** Cases of one test that wait most of the time, each for something of its own, and so are tried at the same time. */

/**
 * Tries all of them to their end.
 *
 * @param cases By name, which tells which of them failed.
 * @param atOnce How many at a time at the most; all of them by default.
 * @throws Error of the case that failed, or AggregateError with one for each.
 */
export async function sideBySide(
  cases: Readonly<Record<string, () => Promise<unknown>>>,
  atOnce = Infinity,
): Promise<void> {
  const failed: Error[] = [];
  const all = Object.entries(cases);
  const queue = all.values();
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, async () => {
    for (const [name, fn] of queue) {
      try {
        await fn();
      } catch (cause) {
        failed.push(new Error(`${name}: ${cause instanceof Error ? cause.message : cause}`, { cause }));
      }
    }
  }));
  const [first, ...others] = failed;
  if (first === undefined) return;
  throw others.length === 0 ? first : new AggregateError(failed, failed.map(({ message }) => message).join("\n"));
}

/** Tests of one name, on several servers, are one test, which tries it on all of them at the same time. */
export class Together {
  readonly #cases = new Map<string, Record<string, () => Promise<unknown>>>();

  /**
   * Defines a test, or adds a case to the one of this name.
   *
   * @param label Which server it is tried on.
   * @param options Of the test; its first case decides.
   */
  test(
    label: string,
    name: string,
    fn: () => Promise<unknown>,
    options: Partial<Pick<Deno.TestDefinition, "sanitizeOps" | "sanitizeResources">> = {},
  ): void {
    const cases = this.#cases.get(name);
    if (cases !== undefined) {
      if (label in cases) throw new Error(`there are two tests "${name}" on ${label}`);
      cases[label] = fn;
      return;
    }
    const fresh = { [label]: fn };
    this.#cases.set(name, fresh);
    Deno.test({ ...options, name, fn: () => sideBySide(fresh) });
  }
}

/** How many tests of one label are tried at the same time. */
const BATCH = 4;

/** Tests of a contract, which wait most of the time, on several servers: some of them are one test, which tries them all. */
export class Batches {
  readonly #together = new Together();
  readonly #counts = new Map<string, number>();

  /**
   * Defines a test, or adds a case to the last one.
   *
   * @param label Which server it is tried on.
   * @param traits Whether others on the same server would disturb it; then it is a test of its own.
   */
  test(label: string, name: string, fn: () => Promise<unknown>, traits: { readonly alone?: boolean } = {}): void {
    if (traits.alone) return this.#together.test(label, name, fn);
    const count = this.#counts.get(label) ?? 0;
    this.#counts.set(label, count + 1);
    const batch = Math.floor(count / BATCH) + 1;
    this.#together.test(`${label}: ${name}`, `the contract, part ${batch}: ${BATCH} tests at the same time`, fn);
  }
}
