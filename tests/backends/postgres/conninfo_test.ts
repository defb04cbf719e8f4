import assert from "node:assert/strict";
import { DsnError } from "../../../lib/backends/network/address_text.ts";
import { parseConninfo } from "../../../lib/backends/postgres/conninfo.ts";
import { isPostgresServer, parsePostgresServer } from "../../../lib/backends/postgres/address.ts";

type Accepted = readonly [text: string, says: string, expected: Record<string, string>];
type Refused = readonly [text: string, says: string, message: string | RegExp];

function messageFor(text: string, parse: (text: string) => unknown = parseConninfo): string | undefined {
  try {
    parse(text);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof DsnError, `${error}`);
    return error.message;
  }
}

function accepts(rows: readonly Accepted[]): void {
  for (const [text, says, expected] of rows) {
    Deno.test(`postgres text: ${JSON.stringify(text)} → ${says}`, () => {
      const actual = [...parseConninfo(text)].map(([name, { value }]) => [name, value]);
      assert.deepEqual(Object.fromEntries(actual), expected);
    });
  }
}

function refuses(rows: readonly Refused[]): void {
  for (const [text, says, message] of rows) {
    Deno.test(`postgres text: ${JSON.stringify(text)} → error: ${says}`, () => {
      const actual = messageFor(text) ?? assert.fail("no error");
      if (typeof message === "string") assert.equal(actual, message);
      else assert.match(actual, message);
      assert.match(actual, /^Cannot [^\n]*[^.\n]$/);
      assert.doesNotMatch(actual, /s3cret/);
    });
  }
}

// keyword=value, as conninfo_parse.
accepts([
  ["", "nothing", {}],
  [" \n\t", "blanks are nothing", {}],
  ["host=h user=u", "two pairs", { host: "h", user: "u" }],
  ["  host = h\n\tuser\f=\vu ", "any blanks of C", { host: "h", user: "u" }],
  ["host=a\u00a0b", "no other blanks", { host: "a\u00a0b" }],
  ["password='a b'", "quotes keep blanks", { password: "a b" }],
  ["password='it\\'s \\\\'", "escapes in quotes", { password: "it's \\" }],
  ["password=a\\ b\\'c\\\\", "escapes without quotes", { password: "a b'c\\" }],
  ["password=a'b'", "a quote within is itself", { password: "a'b'" }],
  ["password=a\\", "a last backslash is nothing", { password: "a" }],
  ["host='' user=", "empty values stay", { host: "", user: "" }],
  ["host='a'user=b", "no blank needed after a quote", { host: "a", user: "b" }],
  ["host=a host=b", "the last wins", { host: "b" }],
  ["options=-c\\ a=b", "= in a value", { options: "-c a=b" }],
  ["options= -c\\ a=b", "= in a value after a blank", { options: "-c a=b" }],
  ["requiressl=1", "the old keyword, on", { sslmode: "require" }],
  ["requiressl=0", "the old keyword, off", { sslmode: "prefer" }],
  ["dbname=postgres://x/y", "no URI within", { dbname: "postgres://x/y" }],
]);
refuses([
  [
    "host",
    "no equals sign",
    "Cannot read the PostgreSQL settings: host has no = after it; " +
    "write keyword=value, and a value that contains spaces in single quotes",
  ],
  ["s3cret", "a bare word", /: a word has no = after it/],
  ["password=a s3cret", "a blank in a password", /: a word has no = after it.*in single quotes/],
  ["host h user=u", "a blank instead", /: host has no = after it/],
  [
    "password='s3cret",
    "an open quote",
    "Cannot read the PostgreSQL settings: a quoted value is not closed; close it with ' and write a ' in it as \\'",
  ],
  ["password='s3cret\\'", "a quote that is escaped", /is not closed/],
  [
    "conect_timeout=5",
    "no such keyword",
    'Cannot read the PostgreSQL settings: "conect_timeout" is not a keyword of libpq; correct it or leave it out, ' +
    "and write a value that contains spaces in single quotes",
  ],
  ["HOST=h", "keywords are in lower case", /"HOST" is not a keyword/],
  ["=h", "no keyword", /: a word before = is not a keyword/],
  ["s3cret=h", "no word like a keyword", /: a word before = is not a keyword/],
  ["password=a kiwi=b", "what may belong to the password", /: a word before = is not a keyword/],
  ["ssl=true", "a keyword of URIs", /"ssl" is not a keyword/],
  [
    "host= password=s3cret",
    "a keyword in the value's place",
    "Cannot read the PostgreSQL settings: host has no value before the next keyword; " +
    "write host='' for the default, or quote the value",
  ],
]);

// URIs, as conninfo_uri_parse.
accepts([
  ["postgresql://", "nothing", {}],
  ["postgres:///", "nothing", {}],
  ["POSTGRES://h", "any case", { host: "h" }],
  ["postgresql://localhost:5433", "host and port", { host: "localhost", port: "5433" }],
  ["postgresql://localhost/mydb", "host and database", { host: "localhost", dbname: "mydb" }],
  ["postgresql://user:secret@localhost", "user and password", { user: "user", password: "secret", host: "localhost" }],
  ["postgresql://u@/d", "no host", { user: "u", dbname: "d" }],
  ["postgresql://:p@/", "no user", { password: "p" }],
  ["postgresql://u:@h", "an empty password", { user: "u", host: "h" }],
  ["postgresql://u:a:b@h", "a colon in the password", { user: "u", password: "a:b", host: "h" }],
  ["postgresql://u:a?b#c@h", "? and # in the password", { user: "u", password: "a?b#c", host: "h" }],
  ["postgresql://h1:1,h2,h3:3/d", "several hosts", { host: "h1,h2,h3", port: "1,,3", dbname: "d" }],
  ["postgresql://h1,h2", "several hosts, no port", { host: "h1,h2", port: "," }],
  ["postgresql://[2001:db8::1]:5/d", "IPv6", { host: "2001:db8::1", port: "5", dbname: "d" }],
  ["postgresql://[::1],[::2]?user=u", "two of IPv6", { host: "::1,::2", port: ",", user: "u" }],
  ["postgresql://%2Fvar%2Frun:5/d", "a socket folder", { host: "/var/run", port: "5", dbname: "d" }],
  ["postgresql:///d?host=/var/run&port=5", "parameters", { dbname: "d", host: "/var/run", port: "5" }],
  ["postgresql://h/d?host=i&dbname=e", "parameters override", { host: "i", dbname: "e" }],
  ["postgresql://h?host=", "an empty parameter too", { host: "" }],
  ["postgresql://%75:%70%40%C3%A9@h%31:%35/%64?us%65r=%76", "escapes everywhere", {
    user: "v",
    password: "p@é",
    host: "h1",
    port: "5",
    dbname: "d",
  }],
  ["postgresql://u:a+b@h", "a plus stays", { user: "u", password: "a+b", host: "h" }],
  ["postgresql://h/a/b", "a slash in the database", { host: "h", dbname: "a/b" }],
  ["postgresql://h/ d ", "blanks around a part", { host: "h", dbname: "d" }],
  ["postgresql://h?ssl=true", "JDBC's ssl", { host: "h", sslmode: "require" }],
  ["postgresql://h?requiressl=1&", "a last &", { host: "h", sslmode: "require" }],
  ["postgresql:///d?user=a@b", "an @ in a value", { dbname: "d", user: "a@b" }],
]);
refuses([
  [
    "postgres://u:s3cret/x@h/d",
    "a slash in the password",
    "Cannot read the PostgreSQL URL: an @ is not directly before the host; " +
    "write each @ / ? : [ % and & in a user, password or value as %40 %2F %3F %3A %5B %25 %26",
  ],
  ["postgres://u:a@s3cret@h/d", "an @ in the password", /an @ is not directly before the host; write each @/],
  ["postgres://u:5/s3cret?x@h", "a slash and a ? in the password", /not of the form keyword=value/],
  ["postgres://u:5/a?s3cret=b@h", "a slash, ? and = in the password", /URL: a parameter is not a keyword/],
  ["postgres://u:5/a?kiwi=b@h", "the same in letters", /URL: a parameter is not a keyword/],
  ["postgres://u:kiwi?plum=1", "a ? in the password, no host", /URL: a parameter is not a keyword/],
  ["postgres://u:s3%cret@h", "a bare %", /a percent escape is invalid; write each/],
  ["postgres://u:%00@h", "a NUL", /a percent escape is invalid/],
  ["postgres://u:%FF@h", "no UTF-8", /a percent escape is invalid/],
  ["postgres://u:s3 cret@h", "a blank", /a part of it contains a space \(%20\); write each/],
  ["postgres://[::1/d", "an open bracket", /a bracket is open, empty, or not followed by a port/],
  ["postgres://[]/d", "an empty bracket", /a bracket is open/],
  ["postgres://[::1]5/d", "no colon after a bracket", /a bracket is open/],
  [
    "postgres://h:1/d?conect_timeout=5",
    "no such keyword",
    'Cannot read the PostgreSQL URL: "conect_timeout" is not a keyword of libpq; correct it or leave it out, ' +
    "and write each @ / ? : [ % and & in a user, password or value as %40 %2F %3F %3A %5B %25 %26",
  ],
  [
    "postgres://h?ssl=false",
    "JDBC's ssl is not a boolean",
    /"ssl" is not a keyword of libpq; write sslmode=disable or/,
  ],
  ["postgres://h?password=s3&kiwi=1", "a & in the password", /URL: a parameter is not a keyword/],
  ["postgres://h?host", "no equals sign", /a parameter is not of the form keyword=value/],
  ["postgres://h?options=-c a=b", "two equals signs", /with = in the value written as %3D/],
  ["postgres://h?host=a&&port=1", "an empty parameter", /a parameter is not of the form/],
]);

Deno.test("postgres text: no error shows a piece of a password that contains special characters", () => {
  const NOTHING = { env: () => undefined, home: undefined, systemUser: () => "me" };
  const specials = [..." '\\\"=@:/?#[]&,%+;\n\0é"];
  const forms: ((password: string) => string)[] = [
    (p) => `postgres://u:${p}@h:1/d?sslmode=x`,
    (p) => `postgres://u:${p}@h`,
    (p) => `postgres://u:${p}`,
    (p) => `postgres://u:${p}/d?nonsense=1`,
    (p) => `postgres://h?password=${p}&nonsense=1`,
    (p) => `host=h password=${p} nonsense=1`,
    (p) => `host=h password='${p}' nonsense=1`,
    (p) => `host= password=${p}`,
  ];
  let errors = 0;
  for (const a of specials) {
    for (const b of specials) {
      for (const form of forms) {
        const message = messageFor(form(`kiwi${a}plum${b}pear`), (text) => parsePostgresServer(text, NOTHING));
        if (message === undefined) continue;
        errors++;
        assert.doesNotMatch(message, /kiwi|plum|pear|\n/, form(`kiwi${a}plum${b}pear`));
      }
    }
  }
  assert.ok(errors > 2000, `${errors}`);
});

const IS_POSTGRES: readonly [text: string, is: boolean][] = [
  ["postgres://h", true],
  ["PostgreSQL://", true],
  ["postgres://u:p@/d", true],
  ["postgres://u:p@tcp/d", true],
  ["host=h", true],
  [" dbname = d", true],
  ["requiressl=1", true],
  ["sslmode=require host=h password=a@/b", true],
  ["", false],
  ["file:", false],
  ["postgres", false],
  ["postgres:/h", false],
  ["mysql://host=h/d", false],
  ["nonsense=1", false],
  ["u:p@tcp(h:1)/d", false],
  ["/d?user=1", false],
  ["tcp(h)/", false],
  ["postgres:p@tcp(h)/d", false],
  ["postgres://w@tcp(h)/d", false],
  ["postgres://w@(h)/d", false],
  ["postgres://w@unix(/a/b)/d?x=1", false],
  ["user=u:p@tcp(h)/d", false],
  ["user=u:p q@tcp(h)/d", false],
  ["user=u:p@unix/d", false],
  ["user=u:p@/d", false],
];
for (const [text, is] of IS_POSTGRES) {
  Deno.test(`postgres text: ${JSON.stringify(text)} is ${is ? "" : "not "}for PostgreSQL`, () => {
    assert.equal(isPostgresServer(text), is);
  });
}
