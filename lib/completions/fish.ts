import { needsNoValue } from "../args/flag.ts";
import type { Flag } from "../settings/flag.ts";
import { type Facts, type Scope, summaryOf, takesPath, valuesOf } from "./facts.ts";

/** The completion for fish 3.1 and later, for a file `sera.fish` in one of its folders for completions. */
export function fishCompletion({ subscopes, scopes, valued }: Facts): string {
  const lines = [
    ...subscopes.map(({ name, summary }) => `-n '__sera_at first' -a ${name} -d ${quote(summary)}`),
    "-n '__sera_at wait' -a forever",
    ...subscopes.filter(({ operands }) => operands.length > 0).map(({ name, operands }) =>
      `-n '__sera_at operand-${name}' -a '${operands.join(" ")}'`
    ),
    "-n '__sera_at command' -a '(__sera_complete_command)'",
    ...[...new Set(scopes.flatMap(({ flags }) => flags))].map((flag) => flagLine(flag, scopes)),
  ];
  return `# fish completion for sera(1)

# Prints, in one line, what may stand at the cursor; then the words of the command before the cursor, one a line.
function __sera_parse
    set -l scope run
    set -l flags
    set -l first
    set -l words (commandline -opc)
    set -e words[1]
    if not set -q words[1]
        set first first
    else if contains -- $words[1] ${names(subscopes)}
        set scope $words[1]
        set -e words[1]
    end
    set flags flags-$scope
    while string match -qr -- '^-.' "$words[1]"
        set -l word $words[1]
        set -e words[1]
        if test $word = --
            set -e flags
            break
        end
        if contains -- (string replace -r -- '^--?' '' $word) ${valued.join(" ")}
            # What stands at the cursor is its value, and fish knows what that may be.
            if not set -q words[1]
                echo $flags
                return
            end
            set -e words[1]
        end
    end
    set -q words[1]; and set -e flags
    switch $scope
        case run
            if not set -q words[1]
                echo $flags wait $first
                return
            end
            set -e words[1]
            echo command
        case ${names(subscopes.filter(({ takesCommand }) => takesCommand))}
            echo $flags command
        case '*'
            set -q words[1]; or set -a flags operand-$scope
            echo $flags
            return
    end
    set -q words[1]; and printf '%s\\n' $words
end

# Whether one of these may stand at the cursor.
function __sera_at
    set -l states (__sera_parse)[1]
    for state in (string split ' ' -- $states)
        contains -- $state $argv; and return
    end
    return 1
end

# As fish completes the command without sera before it.
function __sera_complete_command
    set -l words (__sera_parse)
    set -l token (commandline -ct)
    set -e words[1]
    set -q words[1]; and set words (string escape -- $words)
    set -l line (string join ' ' -- $words "$token")
    complete --do-complete="$line"
end

complete -c sera -f
${lines.map((line) => `complete -c sera ${line}\n`).join("")}`;
}

function flagLine(flag: Flag, scopes: readonly Scope[]): string {
  const states = scopes.filter(({ flags }) => flags.includes(flag)).map(({ name }) => `flags-${name}`).join(" ");
  // A boolean flag has no true and false here: fish would offer it twice, with = and without.
  const value = takesPath(flag) ? " -F" : flag.choices ? ` -a '${valuesOf(flag).join(" ")}'` : "";
  const required = needsNoValue(flag) ? "" : takesPath(flag) ? " -r" : " -x";
  return `-n '__sera_at ${states}' -l ${flag.name}${required}${value} -d ${quote(summaryOf(flag))}`;
}

function names(scopes: readonly Scope[]): string {
  return scopes.map(({ name }) => name).join(" ");
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
