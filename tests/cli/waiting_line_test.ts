import assert from "node:assert/strict";
import { terminal, testWith, tool } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { descendants, type Running } from "./running.ts";
import { Screen } from "./screen.ts";
import { testOnAll, useTargets } from "./targets.ts";
import { KEY } from "./terminal.ts";
import { HANG, pause, until } from "./wait.ts";

const targets = useTargets("file", "MariaDB", "PostgreSQL", "etcd")
  .map((target) => ({ ...target, need: target.need ?? terminal, start: () => target.start() }));

/** How long the others wait, in seconds: longer than anything takes on a busy machine. */
const WAIT = HANG / 1000 - 1;

/** A span of up to an hour. */
const SPAN = String.raw`\d+ (?:min(?: \d+ s)?|s)`;

/** The line while another process holds the lock, with the time that is left. */
const LINE = new RegExp(
  String.raw`^ {2}sera: waiting for \S+:(\d+) backup, (?:held|connected) for ${SPAN}; (${SPAN}) left$`,
);

/** All that fits into a narrow window. */
const NARROW = new RegExp(String.raw`^ {2}sera: ${SPAN} left$`);

/** How many seconds are left, if the line is all that is on the screen. */
function left(rows: readonly string[]): number | undefined {
  const [, , span] = rows.length === 1 ? LINE.exec(rows[0]!) ?? [] : [];
  if (span === undefined) return undefined;
  const [, minutes = 0, seconds = 0] = /^(?:(\d+) min)? ?(?:(\d+) s)?$/.exec(span)!;
  return Number(minutes) * 60 + Number(seconds);
}

const isLine = (rows: readonly string[]) => left(rows) !== undefined;

/** A sera that holds the lock n until its stdin is closed. */
async function hold(place: Place): Promise<Running> {
  const holder = place.startSera(["--name", "n", "--label", "backup", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  return holder;
}

/** Colours and the like, which the line has none of. ECMA-48, SGR */
// deno-lint-ignore no-control-regex
const COLOUR = /\x1b\[[\d;]*m/;

testOnAll(
  targets,
  "at a terminal one line says whom sera waits for, counts, and is gone when the command starts",
  async (target) => {
    await using started = await target.start();
    const { place } = started;
    await using holder = await hold(place);
    await using screen = new Screen(place, `exec sera --name n ${WAIT} echo ran`);
    const rows = await screen.shows("the line", isLine);
    const [, pid] = LINE.exec(rows[0]!)!;
    assert.ok([holder.pid, ...descendants(holder.pid)].includes(Number(pid)));
    const before = left(rows)!;
    assert.ok(before <= WAIT);
    await screen.shows("the line a second later", (rows) => (left(rows) ?? before) < before);
    await holder.closeStdin();
    assert.equal(await screen.ended(), 0);
    assert.deepEqual(await screen.rows(), ["ran"]);
    assert.doesNotMatch(screen.written, COLOUR);
  },
);

testOnAll(
  // Where the lock goes to who came first.
  targets.filter(({ name }) => name === "etcd"),
  "another holder is told of, on a dumb terminal in a line of its own",
  async (target) => {
    await using started = await target.start();
    const { place } = started;
    await using first = await hold(place);
    await using second = place.startSera(["--name", "n", "--label", "second", "60", fixture("hold.sh")], {
      stdin: "open",
    });
    await until("it waits", async () => (await started.waiters("n")) === 1);
    await using screen = new Screen(place, "exec sera --name n 120 true");
    await screen.shows("the first", ([row = ""]) => /waiting for \S+ backup,/.test(row));
    await using dumb = new Screen(place, "exec sera --name n 120 true", { env: { TERM: "dumb" } });
    await dumb.shows("the first", ([row = ""]) => /waiting for \S+ backup,/.test(row));
    await first.closeStdin();
    await second.says("ready");
    const rows = await screen.shows("the second", ([row = ""]) => /waiting for \S+ second,/.test(row));
    assert.equal(rows.length, 1);
    const lines = await dumb.shows("the second", (rows) => /waiting for \S+ second,/.test(rows.at(-1) ?? ""));
    assert.equal(lines.length, 2);
    assert.match(lines[0]!, /^sera: waiting for \S+ backup, (held|connected) for \d+ s; (2 min|1 min \d+ s) left$/);
    await second.closeStdin();
    assert.deepEqual([await screen.ended(), await dumb.ended()], [0, 0]);
    assert.deepEqual(await screen.rows(), []);
    assert.ok(!dumb.written.replaceAll("\r\n", "").includes("\r") && !dumb.written.includes("\x1b"));
  },
);

testWith([terminal], "a narrow window shows what fits, and one that is resized never more than one row", async () => {
  await using place = await Place.make();
  await using holder = await hold(place);
  await using screen = new Screen(place, `exec sera --name n ${WAIT} echo ran`, { columns: 24 });
  await screen.shows("the time", (rows) => NARROW.test(rows.join("\n")));
  await screen.resize(80);
  await screen.shows("the line", isLine);
  await screen.resize(56);
  await screen.shows(
    "what fits",
    (rows) =>
      new RegExp(String.raw`^ {2}sera: waiting for (?:\S+ backup|\S{8,}…); ${SPAN} left$`).test(rows.join("\n")),
  );
  await screen.resize(24);
  await screen.shows("the time", (rows) => NARROW.test(rows.join("\n")));
  await holder.closeStdin();
  assert.equal(await screen.ended(), 0);
  assert.deepEqual(await screen.rows(), ["ran"]);
});

testWith([terminal], "NO_COLOR changes nothing: the line has no colour", async () => {
  await using place = await Place.make();
  await using holder = await hold(place);
  await using screen = new Screen(place, `exec sera --name n ${WAIT} echo ran`, { env: { NO_COLOR: "1" } });
  await screen.shows("the line", isLine);
  await holder.closeStdin();
  assert.equal(await screen.ended(), 0);
  assert.deepEqual(await screen.rows(), ["ran"]);
  assert.doesNotMatch(screen.written, COLOUR);
});

testWith([terminal], "Ctrl-C while the line is shown takes it away", async () => {
  await using place = await Place.make();
  await using _holder = await hold(place);
  await using screen = new Screen(place, `exec sera --name n ${WAIT} echo ran`);
  await screen.shows("the line", isLine);
  await screen.type(KEY.ctrlC);
  assert.equal(await screen.ended(), 130);
  assert.deepEqual(await screen.rows(), []);
});

testWith(
  [terminal, tool("bash", "--version")],
  "Ctrl-Z, bg and fg: the line is where sera is, and what is typed stays",
  async () => {
    await using place = await Place.make();
    await using holder = await hold(place);
    await using screen = new Screen(place, "PS1='$ ' exec bash --norc --noprofile -i");
    const last = (rows: readonly string[]) => rows.at(-1) ?? "";
    await screen.shows("the prompt", (rows) => last(rows) === "$");
    await screen.type(`clear; sera --name n ${WAIT} echo ran\n`);
    await screen.shows("the line", isLine);
    await screen.type(KEY.ctrlZ);
    const stopped = await screen.shows("the prompt", (rows) => last(rows) === "$");
    assert.match(
      stopped[0]!,
      new RegExp(String.raw`^\^Zsera: waiting for \S+ backup, held for ${SPAN}; ${SPAN} left$`),
    );
    assert.match(stopped[1]!, /^\[1\]\+ +Stopped /);
    // The line would be renewed in this time, so that this is due when it goes on.
    await pause(1500);
    await screen.type("clear; bg\n");
    await screen.shows("the prompt", (rows) => last(rows) === "$");
    await screen.type("echo ty");
    // A line that was shown in the background would be renewed in this time.
    await pause(1500);
    await screen.type("ped $((40 + 2))\n");
    const typed = await screen.shows("the prompt", (rows) => last(rows) === "$" && rows.includes("typed 42"));
    assert.deepEqual(typed.slice(1), ["$ echo typed $((40 + 2))", "typed 42", "$"]);
    await screen.type("clear; fg\n");
    await screen.shows("the line below the command", (rows) => rows.length === 2 && LINE.test(last(rows)));
    await holder.closeStdin();
    const rows = await screen.shows("the end", (rows) => last(rows) === "$" && rows.includes("ran"));
    assert.deepEqual(rows.slice(1), ["ran", "$"]);
    await screen.type("exit 0\n");
    assert.equal(await screen.ended(), 0);
  },
);

testWith([terminal], "a terminal that goes away ends sera with its hangup, and only with that", async () => {
  for (const [trap, said, code] of [["trap : HUP", "", "129\n"], ["trap '' HUP", "ran\n", "0\n"]] as const) {
    await using place = await Place.make();
    await using holder = await hold(place);
    const job = await place.script("job", 'echo ran >"${0%/*}/out"');
    const inner = await place.script("inner", `${trap}; sera --name n ${WAIT} ${job}; echo $? >"\${0%/*}/code"`);
    // The session leader ends with the terminal, and only then the others get SIGHUP.
    const screen = new Screen(place, `${inner}; true`);
    await screen.shows("the line", isLine);
    Deno.kill(screen.pid, "SIGKILL");
    if (said !== "") await holder.closeStdin();
    await until("it has ended", async () => (await place.read("code")) === code && (await place.read("out")) === said);
    await holder.closeStdin();
    await holder.ended;
    // No waiter is left.
    assert.equal((await place.sera(["--name", "n", "0", "true"])).code, 0);
    await screen[Symbol.asyncDispose]();
  }
});

testWith(
  [terminal],
  "--quiet, SERA_QUIET and the config file: a terminal is told no more than a cron job",
  async () => {
    await using place = await Place.make();
    await using _holder = await hold(place);
    const config = await place.write("quiet.json", `{"server": "${place.server}", "quiet": true}`);
    for (const words of ["sera --quiet", "SERA_QUIET=true sera", `sera --config ${config}`]) {
      await using screen = new Screen(place, `${words} --name n 2 echo ran`);
      assert.equal(await screen.ended(), 204);
      assert.equal(screen.written, "", words);
    }
  },
);

testWith(
  [terminal],
  "a person is told in one line that the lock is busy, of a skip, and that the lock is kept",
  async () => {
    await using place = await Place.make();
    {
      await using _holder = await hold(place);
      await using screen = new Screen(place, "exec sera --name n 0 echo ran", { columns: 200 });
      assert.equal(await screen.ended(), 204);
      assert.match(
        (await screen.rows()).join("\n"),
        /^sera: Lock not acquired: somebody else holds it \(\S+:\d+ backup, since .*\) - the command was not executed\.$/,
      );
    }
    await using once = new Screen(place, "sera --once k 0 echo ran; exec sera --once k 0 echo ran", {
      columns: 200,
      env: { TZ: "Asia/Kolkata" },
    });
    assert.equal(await once.ended(), 0);
    const rows = await once.rows();
    assert.equal(rows.length, 2);
    assert.match(
      rows[1]!,
      /^sera: Already done for this key: run \d+ by \S+ at \S+ \S+\+05:30 .* - skipped the command\.$/,
    );
    await using kept = new Screen(place, "exec sera --min-hold 2s 0 echo ran");
    assert.equal(await kept.ended(), 0);
    assert.match((await kept.rows()).join("\n"), /^ran\nsera: Keeping the lock for another .* \(--min-hold\)\.$/);
  },
);

testWith([terminal], "a quiet that says nothing is refused, unless it is for others as well", async () => {
  await using place = await Place.make();
  const refused = await place.sera(["--quiet", "--verbose", "0", "true"]);
  assert.equal(refused.code, 201);
  assert.equal(
    refused.stderr,
    "sera: Cannot use --quiet: it has no effect, since progress messages are on (--verbose); leave out one of the two\n",
  );
  const noted = await place.sera(["--verbose", "0", "true"], { env: { SERA_QUIET: "true" } });
  assert.equal(noted.code, 0);
  assert.match(noted.stdout, /^SERA_QUIET has no effect here, since progress messages are on \(--verbose\)/m);
});
