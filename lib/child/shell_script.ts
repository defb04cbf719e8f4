/**
 * The script of the helper shell, see `HelperShell`. It reads lines from sera, answers on its stdout when asked, and kills
 * the command when sera has ended or has not renewed the time limit.
 *
 * - `now UPTIME`: the machine's uptime when sera sent the line, in seconds.
 * - `kill TARGET [TIME UPTIME]`: what to kill when sera ends, or after the time, in hundredths of a second, unless renewed.
 * - `renew TIME UPTIME`: replaces the time, counted from when the line was sent.
 * - `ask`: answer with one line, see `ShellStatus`.
 *
 * The script starts no process, since the process limit may be reached when it matters.
 */

import { quotedForShell } from "../text/shell_word.ts";
import { caughtAfter, caughtBefore, ENDING, numberOf } from "./signal_lists.ts";

/** How long sera may spin without a word after its command was killed, in hundredths of a second. */
const STUCK_LIMIT = 1000;
/** How long writing the message may take, in hundredths of a second. */
const MESSAGE_TIME = 100;

/** What the shell reports when it kills a stuck sera. */
const KILL_MESSAGE = "Lock lost: sera hung and was killed, after its command; please report it";

/** The shell command that prints it. Only bash gets this far, whose printf can format the time. */
function reportKill(jsonAbout: string | undefined): string {
  if (jsonAbout === undefined) return `echo 'sera: ${KILL_MESSAGE}'`;
  const [before, after] = JSON.stringify({
    time: "TIME",
    level: "error",
    event: "error",
    lock: jsonAbout,
    exit_code: 128 + 9,
    message: KILL_MESSAGE,
  }).split("TIME");
  return `TZ=UTC0 printf '%s%(%Y-%m-%dT%H:%M:%S.000Z)T%s\\n' ${quotedForShell(before!)} -1 ${quotedForShell(after!)}`;
}

/**
 * The script for sh(1). The time limit needs a `read -t` that takes fractions, which bash has had since version 4.
 *
 * bash itself ignores SIGQUIT; only `trap -p` tells whether it was ignored before.
 *
 * @param inGroup Whether the shell is in sera's process group, so that it sees the signals sent to the group.
 * @param jsonAbout The lock's name, if messages are to be JSON.
 */
export function shellScript(inGroup: boolean, jsonAbout?: string): string {
  return `read -r stat </proc/self/stat
set -f
set -- $stat
ignored=\${33:-0}
[ ! "\${BASH_VERSION-}" ] || { ignored=$((ignored & ~4)); trap -p QUIT; }
${inGroup ? RECORD_SIGNALS : "trap '' HUP INT QUIT TERM PIPE"}
exec 3>&1 >&2
say() { ${reportKill(jsonAbout)}; }
${WATCH}`;
}

/** Traps that record signals, so that the terminal's keys, a logout or kill(1) do not end the shell itself. */
const RECORD_SIGNALS = [
  ...[...ENDING, ...caughtBefore(false), ...caughtAfter(false)]
    .map(numberOf)
    .filter((number) => number !== undefined)
    .map((number) => `trap 'hit=1 got="$got ${number}"' ${number}`),
  "trap '' PIPE TSTP TTIN TTOU",
].join("\n");

/**
 * Reads the lines. Its comments are here, since the script itself is loaded with every run.
 *
 * - `clock`, `rest`: `read -t` may return early, since the wall clock was set, or a signal came. So what is left is computed
 *   from the uptime.
 * - `lag`: how long before it was read sera sent a line, in hundredths of a second: this shell may have been stopped or
 *   starved. It is compared with the line that was read soonest, since sera knows only whole seconds, and in a container
 *   /proc may have an uptime of its own. So it is never too much.
 * - `spins`: whether sera is spinning. A healthy sera sleeps in the kernel, and a stopped one does not run either.
 * - `next`: when the time is over, `read -t 0` tells whether a line waits to be read, since sera may have renewed the time.
 * - The loop: after any line sera is alive after all, and the shell no longer looks whether it is stuck.
 */
const WATCH = `timed=
case \${BASH_VERSION-} in [4-9].*|[1-9][0-9].*) timed=1 ;; esac
min= target= span= fenced=0 step=fence got= hit=

clock() { read -r up _ </proc/uptime && at=$((10#\${up%.*}\${up#*.})) || at=; }
again() { clock; from=$at span=$1 left=$1; }
arm() { clock; lag $2; again $(($1 - lag)); }
rest() { clock; if [ "$at" ] && [ "$from" ]; then left=$((span - at + from)); else left=$1; fi; }

lag() {
  lag=0
  [ "$at" ] || return 0
  gap=$((at - 100 * $1))
  [ "$min" ] && [ $min -le $gap ] || min=$gap
  lag=$((gap - min - 100))
  [ $lag -gt 0 ] || lag=0
}

spins() { read -r stat </proc/$PPID/stat && case \${stat##*) } in R*) ;; *) false ;; esac }

over() {
  case $step in
  fence)
    kill -s KILL -- "$target"
    fenced=1 step=look
    again ${STUCK_LIMIT} ;;
  look)
    if spins; then
      say >>/proc/$PPID/fd/2 &
      step=end
      again ${MESSAGE_TIME}
    else
      again ${STUCK_LIMIT}
    fi ;;
  end)
    kill -s KILL $!
    step=look
    again ${STUCK_LIMIT}
    ! spins || kill -s KILL $PPID ;;
  esac
}

next() {
  line=
  while :; do
    if [ ! "$span" ]; then
      read -r part
    elif [ $left -gt 0 ]; then
      read -r -t $((left / 100)).$((left / 10 % 10))$((left % 10)) part
    elif read -t 0; then
      read -r part
    else
      over
      continue
    fi
    status=$?
    line=$line$part
    if [ $status = 0 ]; then hit=; return 0; fi
    if [ $status -gt 128 ]; then rest 0
    elif [ "$hit" ]; then hit=; [ ! "$span" ] || rest $left
    else return 1
    fi
  done
}

while next; do
  set -- $line
  [ $fenced = 0 ] || span= step=look
  case \${1-} in
  now) [ ! "$timed" ] || { clock; lag $2; } ;;
  kill) target=$2; [ ! "$timed" ] || [ $# -lt 4 ] || arm $3 $4 ;;
  renew) [ $fenced = 1 ] || [ ! "$span" ] || arm $2 $3 ;;
  ask)
    blocked=0 told=$got
    if read -r stat </proc/$PPID/stat; then
      set -- \${stat##*) }
      blocked=\${30:-0}
    fi
    echo "$ignored $blocked $fenced$told" >&3
    got=\${got#"$told"} ;;
  esac
done
[ ! "$target" ] || kill -s KILL -- "$target"`;
