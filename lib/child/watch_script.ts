/**
 * The script of the shell beside the command, see `LastWill`. It reads lines from sera, answers on its stdout when asked,
 * and kills the command when sera has ended or has been silent for too long.
 *
 * - `kill TARGET [TIME]`: what to kill when sera ends, or after the time, in hundredths of a second, unless renewed.
 * - `renew TIME`: replaces the time, counted from now.
 * - `ask`: answer with one line, see `Testimony`.
 *
 * The script starts no process, since none may be left to start when it matters.
 */

import { quotedForShell } from "../text/shell_word.ts";
import { caughtAfter, caughtBefore, ENDING, numberOf } from "./signal_lists.ts";

/** How long a sera may compute in silence after its command was killed, in hundredths of a second. */
const STUCK = 1000;
/** How long the message may take, in hundredths of a second. */
const SAYING = 100;

/** What the shell says on behalf of a stuck sera that it kills. */
const LAST_WORDS = "Lock lost: sera hung and was killed, after its command; please report it";

/** The command that says it. Only bash gets this far, and its printf knows the time. */
function sayLastWords(jsonAbout: string | undefined): string {
  if (jsonAbout === undefined) return `echo 'sera: ${LAST_WORDS}'`;
  const [before, after] = JSON.stringify({
    time: "TIME",
    level: "error",
    event: "error",
    lock: jsonAbout,
    exit_code: 128 + 9,
    message: LAST_WORDS,
  }).split("TIME");
  return `TZ=UTC0 printf '%s%(%Y-%m-%dT%H:%M:%S.000Z)T%s\\n' ${quotedForShell(before!)} -1 ${quotedForShell(after!)}`;
}

/**
 * The script for sh(1). The time limit needs a `read -t` that takes fractions, which bash has had since version 4.
 *
 * @param inGroup Whether the shell is in sera's process group, so that it sees the signals sent to the group.
 * @param jsonAbout The lock's name, if messages are to be JSON.
 */
export function watchScript(inGroup: boolean, jsonAbout?: string): string {
  return `read -r stat </proc/self/stat
set -f
set -- $stat
ignored=\${33:-0}
# bash itself ignores SIGQUIT, and tells only so whether it was ignored before.
[ ! "\${BASH_VERSION-}" ] || { ignored=$((ignored & ~4)); trap -p QUIT; }
${inGroup ? NOTE_SIGNALS : "trap '' HUP INT QUIT TERM PIPE"}
exec 3>&1 >&2
say() { ${sayLastWords(jsonAbout)}; }
${WATCH}`;
}

/** Traps that record signals, so that the terminal's keys, a logout or kill(1) do not end the shell. */
const NOTE_SIGNALS = [
  ...[...ENDING, ...caughtBefore(false), ...caughtAfter(false)]
    .map(numberOf)
    .filter((number) => number !== undefined)
    .map((number) => `trap 'hit=1 got="$got ${number}"' ${number}`),
  "trap '' PIPE TSTP TTIN TTOU",
].join("\n");

const WATCH = `timed=
case \${BASH_VERSION-} in [4-9].*|[1-9][0-9].*) timed=1 ;; esac
target= span= fenced=0 step=fence got= hit=

# Of the time that ends here some may be left: the wall clock was set, or a signal came.
clock() { read -r up _ </proc/uptime && at=$((10#\${up%.*}\${up#*.})) || at=; }
arm() { span=$1 left=$1; clock; from=$at; }
rest() { clock; if [ "$at" ] && [ "$from" ]; then left=$((span - at + from)); else left=$1; fi; }

# Whether sera computes: it neither waits for something, as it does when all is well, nor is it stopped.
spins() { read -r stat </proc/$PPID/stat && case \${stat##*) } in R*) ;; *) false ;; esac }

over() {
  case $step in
  fence)
    kill -s KILL -- "$target"
    fenced=1 step=look
    arm ${STUCK} ;;
  look)
    if spins; then
      say >>/proc/$PPID/fd/2 &
      step=end
      arm ${SAYING}
    else
      arm ${STUCK}
    fi ;;
  end)
    kill -s KILL $!
    step=look
    arm ${STUCK}
    ! spins || kill -s KILL $PPID ;;
  esac
}

next() {
  line=
  while :; do
    if [ "$span" ]; then
      [ $left -gt 0 ] || { over; continue; }
      read -r -t $((left / 100)).$((left / 10 % 10))$((left % 10)) part
    else
      read -r part
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
  # It moves after all.
  [ $fenced = 0 ] || span= step=look
  case \${1-} in
  kill) target=$2; [ ! "$timed" ] || [ $# -lt 3 ] || arm $3 ;;
  renew) [ $fenced = 1 ] || [ ! "$span" ] || arm $2 ;;
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
