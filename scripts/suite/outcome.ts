/** How the tests of a file went. */

import { parseXml, XmlElement } from "@rgrove/parse-xml";

/** A test that ran. */
export interface Timed {
  readonly file: string;
  readonly name: string;
  readonly seconds: number;
}

/** A test that failed. */
export interface Failure {
  readonly file: string;
  /** Undefined if something failed outside of a test. */
  readonly name?: string | undefined;
  /** What the test threw, with its stack; outside of a test the end of the output. */
  readonly reason: string;
}

/** What `deno test` counted in a file. */
export interface Outcome {
  readonly passed: number;
  readonly ignored: number;
  readonly failures: readonly Failure[];
  readonly tests: readonly Timed[];
}

/** Before any test has run. */
export const NOTHING: Outcome = { passed: 0, ignored: 0, failures: [], tests: [] };

/**
 * Reads the report that `deno test --junit-path` wrote. Steps are part of their test, as in Deno's own summary.
 *
 * @throws Error if it is no such report.
 */
export function readReport(file: string, xml: string): Outcome {
  let passed = 0;
  let ignored = 0;
  const failures: Failure[] = [];
  const tests: Timed[] = [];
  for (const test of testCases(parseXml(xml).root)) {
    const { name = "", time = "0" } = test.attributes;
    const [failure] = [...elements(test, "failure"), ...elements(test, "error")];
    if (elements(test, "skipped").length > 0) ignored++;
    else if (failure) failures.push({ file, name, reason: failure.text });
    else passed++;
    tests.push({ file, name, seconds: Number(time) });
  }
  return { passed, ignored, failures, tests };
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

/** Both together. */
export function add(one: Outcome, other: Outcome): Outcome {
  return {
    passed: one.passed + other.passed,
    ignored: one.ignored + other.ignored,
    failures: [...one.failures, ...other.failures],
    tests: [...one.tests, ...other.tests],
  };
}
