import assert from "node:assert/strict";
import { linux, mountNamespace, testWith, tool } from "./needs.ts";
import { fixture, Place } from "./place.ts";
import { SyslogDaemon } from "./syslog_daemon.ts";

/** Sera hands its lines to logger(1). */
const logger = linux ?? tool("logger", "--version");

testWith([logger], "a failed attempt is told to syslog: tag, pid, command, reason", async () => {
  await using place = await Place.make();
  await using daemon = await SyslogDaemon.start(place);
  await using holder = place.startSera(["--name", "n", "0", fixture("hold.sh")], { stdin: "open" });
  await holder.says("ready");
  await using run = place.startSera([
    "--syslog",
    "--syslog",
    `--syslog=${daemon.path}`,
    "--name",
    "n",
    "0",
    "echo",
    "a  b",
    "ä",
  ]);
  assert.deepEqual(await run.ended, { code: 204, stdout: "", stderr: "" });
  const [line, ...more] = await daemon.lines();
  assert.deepEqual(more, []);
  // Facility user (1), severity notice (5).
  const head = new RegExp(`^<13>[A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d sera\\[${run.pid}\\]: `);
  assert.match(line!, head);
  assert.match(line!.replace(head, ""), /^echo a {2}b ä \| Lock not acquired: .*somebody else holds it/);
});

testWith([logger], "errors are told to syslog as such", async () => {
  await using place = await Place.make();
  await using daemon = await SyslogDaemon.start(place);
  for (
    const { args, code, says } of [
      { args: ["0", "no-such-command", "x"], code: 203, says: /: no-such-command x \| Cannot start the command: / },
      {
        args: ["--server", "u:p@tcp(127.0.0.1:1)/", "0", "true"],
        code: 202,
        says: /: true \| Cannot lock on .*127\.0\.0\.1:1/,
      },
    ]
  ) {
    const ended = await place.sera([`--syslog=${daemon.path}`, ...args]);
    assert.equal(ended.code, code);
    const lines = await daemon.lines();
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, /^<11>/);
    assert.match(lines[0]!, says);
  }
});

testWith([logger], "the config file can name the socket", async () => {
  await using place = await Place.make();
  await using daemon = await SyslogDaemon.start(place);
  const config = await place.write("sera.json", JSON.stringify({ syslog: daemon.path }));
  await place.sera(["--config", config, "0", "no-such-command"]);
  assert.match((await daemon.lines()).join(), /no-such-command/);
});

testWith([logger], "success, a skip and the command's own failure are nothing for syslog", async () => {
  await using place = await Place.make();
  await using daemon = await SyslogDaemon.start(place);
  const syslog = `--syslog=${daemon.path}`;
  await place.sera([syslog, "0", "true"]);
  await place.sera([syslog, "0", "false"]);
  await using first = place.startSera([syslog, "--wait-and-skip", "60", fixture("hold.sh")], { stdin: "open" });
  await first.says("ready");
  await using second = place.startSera([syslog, "--verbose", "--wait-and-skip", "60", fixture("hold.sh")]);
  await second.says("waiting for them");
  await first.closeStdin();
  await Promise.all([first.ended, second.ended]);
  assert.deepEqual(await daemon.lines(), []);
});

testWith([logger], "a command with line breaks and dashes is one line", async () => {
  await using place = await Place.make();
  await using daemon = await SyslogDaemon.start(place);
  await place.sera([`--syslog=${daemon.path}`, "0", "-x\n<0>fake\tline\x1b[31m", "-t", "other"]);
  const lines = await daemon.lines();
  assert.equal(lines.length, 1, lines.join("\n"));
  // deno-lint-ignore no-control-regex
  assert.match(lines[0]!, /^<11>[^\x00-\x1f\x7f]*sera\[\d+\]: -x <0>fake line \[31m -t other \| [^\x00-\x1f\x7f]*$/);
});

testWith([logger], "of a long command the begin is told, and the reason, in one line", async () => {
  await using place = await Place.make();
  await using daemon = await SyslogDaemon.start(place);
  for (const letter of ["y", "ü", "世"]) {
    await place.sera([`--syslog=${daemon.path}`, "0", "no-such-command", letter.repeat(5000)]);
    const lines = await daemon.lines();
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(
      lines[0]!,
      new RegExp(`: no-such-command ${letter}{100,} \\[\\.\\.\\.\\] .* \\| Cannot start the command: .*path$`),
    );
    assert.doesNotMatch(lines[0]!, /\ufffd/);
  }
});

testWith([linux], "a socket that is missing or nobody listens on does not touch the run", async () => {
  await using place = await Place.make();
  await (await SyslogDaemon.start(place))[Symbol.asyncDispose]();
  assert.ok((await Deno.lstat(place.file("log"))).isSocket);
  const paths = [place.file("missing"), place.file("log"), "/dev/null", place.path];
  for (const path of paths) {
    const { code, stdout, stderr } = await place.sera([`--syslog=${path}`, "0", "no-such-command"]);
    assert.deepEqual({ code, stdout }, { code: 203, stdout: "" });
    assert.match(stderr, /^sera: Cannot start the command[^\n]+\n$/);
    assert.deepEqual(await place.sera([`--syslog=${path}`, "0", "echo", "ran"]), {
      code: 0,
      stdout: "ran\n",
      stderr: "",
    });
  }
});

testWith([linux], "a daemon that takes nothing holds sera up for a moment only", async () => {
  await using place = await Place.make();
  await using daemon = await SyslogDaemon.start(place, "stuck");
  const { code, stderr } = await place.sera([`--syslog=${daemon.path}`, "0", "no-such-command"]);
  assert.equal(code, 203);
  assert.match(stderr, /^sera: Cannot start the command[^\n]+\n$/);
  assert.deepEqual(await place.sera([`--syslog=${daemon.path}`, "0", "echo", "ran"]), {
    code: 0,
    stdout: "ran\n",
    stderr: "",
  });
});

/** A shell of its own in which another program is in logger's place, and ends with sera. */
const OTHER_LOGGER = 'mount --bind "$0" "$(readlink -f /usr/bin/logger)" && exec "$@"';

testWith(
  [logger, mountNamespace],
  "the logger gets nothing of the environment, which may hold a password",
  async () => {
    await using place = await Place.make();
    const seen = place.file("seen");
    const other = await place.script("other", `env >'${seen}'; exec cat >>'${seen}'`);
    const words = ["sera", "--syslog", "--server", "u:p@tcp(127.0.0.1:1)/", "0", "true"];
    const env = { SERA_LABEL: "marker1", PGPASSWORD: "marker2", OTHER: "marker3" };
    const { code } = await place.run(["unshare", "--mount", "sh", "-c", OTHER_LOGGER, other, ...words], { env });
    assert.equal(code, 202);
    const told = await place.read("seen");
    assert.match(told, /^true \| Cannot lock on /m);
    assert.doesNotMatch(told, /marker|SERA_|^PG|^HOME=/m);
  },
);

testWith(
  [logger],
  "a program named logger in PATH is not started, and one that is not there is not missed",
  async () => {
    await using place = await Place.make();
    await using daemon = await SyslogDaemon.start(place);
    await Deno.mkdir(place.file("planted"));
    await place.script("planted/logger", `echo "$@" >'${place.file("seen")}'`);
    for (const path of [`${place.file("planted")}:/usr/bin:/bin`, place.file("nothing")]) {
      const env = { PATH: path };
      const syslog = `--syslog=${daemon.path}`;
      assert.deepEqual(await place.sera([syslog, "0", "/bin/echo", "ran"], { env }), {
        code: 0,
        stdout: "ran\n",
        stderr: "",
      });
      const failed = await place.sera([syslog, "0", "no-such-command"], { env });
      assert.equal(failed.code, 203);
      assert.match(failed.stderr, /^sera: [^\n]+\n$/);
      const lines = await daemon.lines();
      assert.equal(lines.length, 1, lines.join("\n"));
      assert.match(lines[0]!, /no-such-command/);
    }
    assert.equal(await place.read("seen"), "");
  },
);

testWith([linux, mountNamespace], "without a logger sera runs and fails as ever", async () => {
  await using place = await Place.make();
  const script = 'for logger in /usr/bin/logger /bin/logger; do [ ! -e "$logger" ] || mount --bind /dev/null ' +
    '"$(readlink -f "$logger")"; done; exec "$@"';
  const run = (...words: string[]) =>
    place.run(["unshare", "--mount", "sh", "-c", script, "sh", "sera", "--syslog", "0", ...words]);
  assert.deepEqual(await run("echo", "ran"), { code: 0, stdout: "ran\n", stderr: "" });
  const failed = await run("no-such-command");
  assert.equal(failed.code, 203);
  assert.match(failed.stderr, /^sera: [^\n]+\n$/);
});
