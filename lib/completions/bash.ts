import type { Facts, Scope } from "./facts.ts";

/** The completion for bash 3.2 and later. With bash-completion loaded, it completes the words of the command, too. */
export function bashCompletion({ subscopes, scopes, valued, namesByValues, paths }: Facts): string {
  const subcommands = subscopes.map(({ name }) => name);
  const values = [...namesByValues].map(([values, names]) => `${names.join("|")}) _sera_offer "$2" "$3" ${values} ;;`);
  return `# bash completion for sera(1)

# Offers those of the words $3 ... that begin with $2, each after $1, which is a part of the same word. Readline replaces
# only what follows the last = or : of a word.
_sera_offer() {
  local before=$1 begun=$2 kept=\${cur%"$typing"} word
  shift 2
  for word; do
    [[ $word == "$begun"* ]] || continue
    word=$before$word
    COMPREPLY+=("\${word#"$kept"}")
  done
}

_sera_files() {
  local file
  compopt -o default 2>/dev/null && return
  while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -f -- "$1")
}

# Offers the values of the flag $1 that begin with $3, each after $2.
_sera_value() {
  case $1 in
    ${values.join("\n    ")}
    ${paths.join("|")}) _sera_files "$3" ;;
  esac
}

# Completes the command whose first word is word $1.
_sera_command() {
  local word
  if declare -F _comp_command_offset >/dev/null; then
    _comp_command_offset "\${starts[$1]}"
  elif declare -F _command_offset >/dev/null; then
    _command_offset "\${starts[$1]}"
  elif (($1 < cword)) || [[ $cur == */* ]]; then
    _sera_files "$cur"
  else
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -c -- "$cur")
  fi
}

_sera() {
  local typing=$2 words=() starts=() cword line=$COMP_LINE blanks i
  COMPREPLY=()
  # COMP_WORDS has = and : as words of their own. What no blank parts is one word to sera.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    blanks=\${line%%[![:space:]]*}
    line=\${line#"$blanks"}
    line=\${line#"\${COMP_WORDS[i]}"}
    if ((i > 0)) && [[ -z $blanks ]]; then
      words[\${#words[@]} - 1]+=\${COMP_WORDS[i]}
    else
      words+=("\${COMP_WORDS[i]}")
      starts+=("$i")
    fi
  done
  cword=$((\${#words[@]} - 1))

  local cur=\${words[cword]} scope=run at=1 over="" name
  if ((cword > 1)); then
    case \${words[1]} in
      ${subcommands.join("|")}) scope=\${words[1]} at=2 ;;
    esac
  fi
  while ((at < cword)); do
    case \${words[at]} in
      --)
        over=1
        ((at++))
        break
        ;;
      -?*=*) ((at++)) ;;
      -?*)
        name=\${words[at]#-}
        case \${name#-} in
          ${valued.join("|")})
            if ((at + 1 == cword)); then
              _sera_value "\${name#-}" "" "$cur"
              return
            fi
            ((at += 2))
            ;;
          *) ((at++)) ;;
        esac
        ;;
      *) break ;;
    esac
  done

  if ((at == cword)) && [[ -z $over && $cur == -* ]]; then
    name=\${cur#-}
    name=\${name#-}
    if [[ $cur == *=* ]]; then
      _sera_value "\${name%%=*}" "\${cur%%=*}=" "\${cur#*=}"
      return
    fi
    local dashes=--
    [[ $cur != -[!-]* ]] || dashes=-
    case $scope in
      ${scopes.map((scope) => flagsOf(scope)).join("\n      ")}
    esac
    return
  fi
  case $scope in
    run)
      ((at != 1 || cword != 1)) || _sera_offer "" "$cur" ${subcommands.join(" ")}
      ((at != cword)) || _sera_offer "" "$cur" forever
      ((at++))
      ;;
    ${
    subscopes.filter(({ operands }) => operands.length > 0).map(({ name, operands }) =>
      `${name}) ((at != cword)) || _sera_offer "" "$cur" ${operands.join(" ")} ;;`
    ).join("\n    ")
  }
  esac
  case $scope in
    ${subscopes.filter(({ takesCommand }) => !takesCommand).map(({ name }) => name).join("|")}) return ;;
  esac
  ((at > cword)) || _sera_command "$at"
}

complete -F _sera sera
`;
}

function flagsOf({ name, flags }: Scope): string {
  return `${name}) _sera_offer "$dashes" "$name" ${flags.map(({ name }) => name).join(" ")} ;;`;
}
