import { SETTINGS, type SettingSpec } from "./settings_table.ts";

/** Where the explanation of a flag begins. */
const COLUMN = 26;

/** The longest line of a list, without its indentation. */
const LONGEST_LIST = 74;

/** What `sera heimdall --help` prints. */
export function heimdallHelp(): string {
  return `Usage: sera heimdall [flags] PROGRAM [argument ...]

heimdall's own command line: tries once for an advisory lock of PostgreSQL and
runs PROGRAM while holding it. It excludes heimdall, and sera --namespace.

Flags (-flag and --flag are the same; a value follows as =value or next word):
${
    flagLines("--database URL", [
      "a URL or libpq's keywords; what it leaves out comes",
      "from PGHOST, PGUSER and libpq's other variables",
    ])
  }\
${flagLines("--namespace TEXT", ["the lock's namespace (default heimdall)"])}\
${flagLines("--name TEXT", ["the lock's name (default heimdall)"])}\
${flagLines("--timeout SECONDS", ["how long PROGRAM may run before it is stopped", "(default 5; 0: no limit)"])}\
${flagLines("--allow-unsafe-server", ["lock also on a standby or through any pooler"])}\
${flagLines("--debug", ["say what happens, on stderr"])}\
${flagLines("--help", ["print this text"])}
Exit status:
  any     PROGRAM's own; 128+n if signal n ended it
  1       somebody else has the lock, it could not be asked for, PROGRAM could
          not be started or ran out of time, or the lock was lost meanwhile
  143     SIGTERM ended it; 130: SIGINT
`;
}

/** What `sera doctor --help` prints. */
export function doctorHelp(): string {
  return `Usage: sera doctor [--json] [flags]

Tries the configuration as sera would use it, without running a command: the
config file, the server's address, TLS, what kind of server it is, and a lock
of a random name. It takes the flags and variables of a run (see sera --help),
so that these are tried too.

Each check is one line: pass, warn, fail, or skip (an earlier one failed), the
check, what was found, and what to do about it.

Flags:
${flagLines("--json", ["print one JSON object instead: ok, exit_code, server,", "checks; it never holds a password"])}${
    flagLines("--help", ["print this text"])
  }
Exit status:
  0       a run could have its lock; there may be warnings
  200     the configuration cannot be used
  201     the arguments are wrong
  202     the lock could not be asked for: server unreachable or unsuitable
`;
}

/** What `sera status --help` prints. */
export function statusHelp(): string {
  return `Usage: sera status [--json] [flags] [--name TEXT | -- command ...]

Prints who holds the lock of a command (its words as in a run, without the wait)
or of a name, and who waits for it; without either, all of sera's locks on the
server. It takes the flags and variables of a run (see sera --help), and keeps
nobody from a lock.

LOCK is the beginning of the lock's name, LABEL the command's first word (or its
--label), HOST an address if no more is known, SINCE when the lock was acquired
or the wait began, in UTC; after a ~ when the holder connected, which may be
some time before. Servers differ in how much of that they show.

Flags:
${flagLines("--json", ["print one JSON object instead"])}${flagLines("--help", ["print this text"])}
Exit status:
  0       the lock is held; without a command or name: always
  1       the lock is free
  200     the configuration cannot be used
  201     the arguments are wrong
  202     the locks could not be looked at: server unreachable or unsuitable
`;
}

/** What `sera history --help` prints. */
export function historyHelp(): string {
  return `Usage: sera history [--json] [--limit N] [flags] [--name TEXT | -- command ...]
       sera history --schema [flags]

Prints the runs that the ledger has recorded, the newest first: all of them, or
those under one lock. It takes the flags and variables of a run (see sera
--help). Times are UTC, by the server's clock.

An outcome is one of
  running     the command runs
  succeeded   it ended with 0
  failed      it ended with another status, or was stopped
  abandoned   its sera died or lost the lock; the end is not known
  unstarted   it could not be started
  skipped     there was nothing to do (with --record-skips)

Flags:
${flagLines("--limit N", ["how many runs to print (default 20)"])}\
${flagLines("--json", ["print one JSON object instead"])}\
${flagLines("--schema", ["print the SQL that makes the ledger's table, for an", "administrator to run by hand"])}\
${flagLines("--help", ["print this text"])}
Exit status:
  0       printed, if only that there is nothing
  200     the configuration cannot be used
  201     the arguments are wrong
  202     the ledger could not be read
`;
}

/** What `sera --help` prints; no line is longer than 80 columns. */
export function helpText(): string {
  return `Usage: sera [flags] [--] <wait> <command> [argument ...]
       sera status [--json] [flags] [-- command ...]  (see sera status --help)
       sera history [--json] [flags] [-- command ...] (see sera history --help)
       sera doctor [--json] [flags]                   (see sera doctor --help)
       sera heimdall [flags] PROGRAM [argument ...]   (see sera heimdall --help)

Runs a command while holding a lock that all servers share, so that it never
runs twice at the same time.

<wait> is how long to wait while somebody else has the lock: whole seconds
(0: try once), a duration such as 500ms or 1m30s, or forever. Every word after
it belongs to the command and is passed on untouched, without a shell.

Flags (-flag and --flag are the same; a value follows as =value or next word):
${SETTINGS.map(flagHelp).join("")}\
${flagLines("--version", ["print the version"])}\
${flagLines("--help", ["print this text"])}
Each flag but --help and --version can be set by a variable too, for example
SERA_SERVER or SERA_WAIT_AND_SKIP=true. Flags win over variables, and these
over the config file, which may hold these keys:
  ${configKeys()}

Exit status:
  any     the command's own; 128+n if signal n ended it
  200     the configuration cannot be used
  201     the arguments are wrong
  202     the lock could not be asked for: server unreachable or unsuitable
  203     the command could not be started
  204     the wait ran out; the command did not run
  205     skipped, with --detailed-exit-codes (without it: 0)
  206     the lock was lost while the command ran; the command was stopped
  207     the command ran past --max-run and was stopped
  128+n   signal n ended sera while it waited

Examples:
  sera 90 /usr/local/bin/rotate      every server runs it, one after the other
  sera 0 /usr/local/bin/report       one server runs it, the others leave (204)
  sera --wait-and-skip 300 migrate   one runs it, the others wait and skip it
  sera --server file: 0 backup       lock on this machine only, no server needed
`;
}

function flagHelp({ name, placeholder, help }: SettingSpec): string {
  const value = placeholder === undefined ? "" : placeholder.startsWith("[") ? placeholder : ` ${placeholder}`;
  return flagLines(`--${name}${value}`, help);
}

function flagLines(flag: string, help: readonly string[]): string {
  const label = `  ${flag}`;
  const indent = " ".repeat(COLUMN);
  const [first, ...rest] = help;
  const head = label.length < COLUMN - 1 ? label.padEnd(COLUMN) + first : `${label}\n${indent}${first}`;
  return [head, ...rest.map((line) => indent + line)].map((line) => `${line}\n`).join("");
}

function configKeys(): string {
  const lines = [""];
  for (const { name } of SETTINGS.filter((setting) => setting.inConfig)) {
    const line = lines.pop()!;
    if (line === "") lines.push(name);
    else if (line.length + name.length < LONGEST_LIST) lines.push(`${line}, ${name}`);
    else lines.push(`${line},`, name);
  }
  return lines.join("\n  ");
}
