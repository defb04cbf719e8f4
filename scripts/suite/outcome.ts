/** How the tests of a file went. */

import { parseXml, XmlElement } from "@rgrove/parse-xml";

/** A test that ran. */
export interface Timed {
  readonly file: string;
  readonly name: string;
  readonly seconds: number;
}

/** What `deno test` counted in a file. */
export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly ignored: number;
  readonly tests: readonly Timed[];
}

/** Nothing was counted: the file could not be loaded, or its process died. That is a failure. */
export const DIED: Outcome = { passed: 0, failed: 1, ignored: 0, tests: [] };

/**
 * Reads the report that `deno test --junit-path` wrote. Steps are part of their test, as in Deno's own summary.
 *
 * @throws Error if it is no such report.
 */
export function readReport(file: string, xml: string): Outcome {
  let passed = 0;
  let failed = 0;
  let ignored = 0;
  const tests: Timed[] = [];
  for (const test of testCases(parseXml(xml).root)) {
    const { name = "", time = "0" } = test.attributes;
    if (has(test, "skipped")) ignored++;
    else if (has(test, "failure") || has(test, "error")) failed++;
    else passed++;
    tests.push({ file, name, seconds: Number(time) });
  }
  return { passed, failed, ignored, tests };
}

/** All tests of a report, without their steps, which Deno lists after it as "test > step". */
function testCases(root: XmlElement | null): XmlElement[] {
  const suites = root === null ? [] : elements(root, "testsuite");
  const cases = suites.flatMap((suite) => elements(suite, "testcase"));
  const names = new Set(cases.map(({ attributes }) => attributes.name ?? ""));
  return cases.filter(({ attributes: { name = "" } }) => ![...names].some((test) => name.startsWith(`${test} > `)));
}

function elements(parent: XmlElement, name: string): XmlElement[] {
  return parent.children.filter((child): child is XmlElement => child instanceof XmlElement && child.name === name);
}

function has(parent: XmlElement, name: string): boolean {
  return elements(parent, name).length > 0;
}

/** Both together. */
export function add(one: Outcome, other: Outcome): Outcome {
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    ignored: one.ignored + other.ignored,
    tests: [...one.tests, ...other.tests],
  };
}
