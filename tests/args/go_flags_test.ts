import assert from "node:assert/strict";
import { type FlagSpec, parseGoFlags } from "../../lib/args/go_flags.ts";
import { UsageError } from "../../lib/errors.ts";

const SPECS: FlagSpec[] = [
  { name: "server", boolean: false },
  { name: "name", boolean: false },
  { name: "verbose", boolean: true },
  { name: "wait-and-skip", boolean: true },
];

/** Words, the flags in them, and the rest. */
const ACCEPTED: [string[], Record<string, string>, string[]][] = [
  [[], {}, []],
  [["0", "true"], {}, ["0", "true"]],
  [["-verbose", "0", "true"], { verbose: "true" }, ["0", "true"]],
  [["--verbose", "0", "true"], { verbose: "true" }, ["0", "true"]],
  [["-verbose=false", "0"], { verbose: "false" }, ["0"]],
  [["--verbose=stderr", "0"], { verbose: "stderr" }, ["0"]],
  [["-server=file:", "0"], { server: "file:" }, ["0"]],
  [["--server=file:", "0"], { server: "file:" }, ["0"]],
  [["-server", "file:", "0"], { server: "file:" }, ["0"]],
  [["--server", "file:", "0"], { server: "file:" }, ["0"]],
  // A boolean takes no word of its own, as in Go.
  [["--verbose", "false", "true"], { verbose: "true" }, ["false", "true"]],
  // A value may look like anything.
  [["--name", "--verbose", "0"], { name: "--verbose" }, ["0"]],
  [["--name", "--", "0"], { name: "--" }, ["0"]],
  [["--name", "", "0"], { name: "" }, ["0"]],
  [["--name=", "0"], { name: "" }, ["0"]],
  [["--name=a=b", "0"], { name: "a=b" }, ["0"]],
  [["--name=a b\nc", "0"], { name: "a b\nc" }, ["0"]],
  // The last of two wins.
  [["--name=a", "-name", "b"], { name: "b" }, []],
  [["--verbose", "--wait-and-skip", "-name=a", "0"], { verbose: "true", "wait-and-skip": "true", name: "a" }, ["0"]],
  // Where parsing stops, every word is left as it is.
  [["0", "ls", "--verbose", "--", "-x"], {}, ["0", "ls", "--verbose", "--", "-x"]],
  [["--", "--verbose", "0"], {}, ["--verbose", "0"]],
  [["--verbose", "--", "--", "x"], { verbose: "true" }, ["--", "x"]],
  [["-", "--verbose"], {}, ["-", "--verbose"]],
  [["", "--verbose"], {}, ["", "--verbose"]],
];

for (const [words, flags, operands] of ACCEPTED) {
  Deno.test(`flags: ${JSON.stringify(words)}`, () => {
    const parsed = parseGoFlags(words, SPECS);
    assert.deepEqual(Object.fromEntries(parsed.flags), flags);
    assert.deepEqual(parsed.operands, operands);
  });
}

const REFUSED: [string[], RegExp][] = [
  [["--nonsense", "0"], /^Unknown flag: --nonsense; /],
  [["-nonsense=3"], /^Unknown flag: -nonsense; /],
  [["--password secret", "0"], /^Unknown flag: --\.\.\.; /],
  [["--Verbose"], /^Unknown flag: --Verbose; /],
  [["-v"], /^Unknown flag: -v; /],
  [["-1", "true"], /^Unknown flag: -1; /],
  [["--verbose", "-x", "0"], /^Unknown flag: -x; /],
  [["---verbose"], /^Cannot read the flag: ---verbose; /],
  [["--=x"], /^Cannot read the flag: --=x; /],
  [["-=x"], /^Cannot read the flag: -=x; /],
  [["--server"], /^The flag needs a value: --server; /],
  [["--verbose", "-name"], /^The flag needs a value: -name; /],
];

for (const [words, message] of REFUSED) {
  Deno.test(`flags refused: ${JSON.stringify(words)}`, () => {
    assert.throws(
      () => parseGoFlags(words, SPECS),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}

Deno.test("a flag's value can be read by its name, and by its alias if that was used", () => {
  const specs: FlagSpec[] = [{ name: "every", boolean: false }, { name: "once-per", boolean: false, aliasOf: "every" }];
  const flags = (...words: string[]) => Object.fromEntries(parseGoFlags(words, specs).flags);
  assert.deepEqual(flags("--every=1h"), { every: "1h" });
  assert.deepEqual(flags("-once-per", "1h"), { every: "1h", "once-per": "1h" });
});

Deno.test("a repeated flag with another value is reported; repeated under its alias it is refused", () => {
  const specs: FlagSpec[] = [...SPECS, { name: "every", boolean: false }, {
    name: "once-per",
    boolean: false,
    aliasOf: "every",
  }];
  const repeated = (...words: string[]) => Object.fromEntries(parseGoFlags(words, specs).repeated);
  assert.deepEqual(repeated("--name=a", "-name", "b", "--verbose", "--verbose"), { name: ["a", "b"] });
  assert.deepEqual(repeated("--name=a", "--name=b", "--name=b", "--name=a", "--name=c"), { name: ["a", "b", "c"] });
  assert.deepEqual(repeated("--name=a", "--name=a", "--every=1h", "--once-per=1h"), {});
  assert.deepEqual(repeated("--once-per=2h", "--once-per=1h"), { "once-per": ["2h", "1h"] });
  for (const words of [["--every=1h", "--once-per=2h"], ["--once-per=1h", "--every=1h", "--once-per=2h"]]) {
    assert.throws(() => parseGoFlags(words, specs), UsageError);
  }
});

Deno.test("a flag that takes one value is refused with a second value, but may repeat the same one", () => {
  const specs: FlagSpec[] = [{ name: "name", boolean: false, onRepeat: "refuse" }];
  const read = (...words: string[]) => parseGoFlags(words, specs, "sera status --help").flags.get("name");
  assert.equal(read("--name=a", "--name", "a"), "a");
  assert.throws(() => read("--name=a", "--name=b"), {
    name: "Error",
    message: "Cannot use --name twice here, with different values; give one, see sera status --help",
  });
});
