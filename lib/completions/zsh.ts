import { type Facts, type Scope, summaryOf } from "./facts.ts";

/** The completion for zsh, for a file `_sera` in a folder of its `fpath`. */
export function zshCompletion({ subscopes, scopes, valued, namesByValues, paths }: Facts): string {
  const subcommands = subscopes.map(({ name }) => name);
  const values = [...namesByValues].map(([values, names]) =>
    `(${names.join("|")}) _wanted values expl value compadd -- ${values} ;;`
  );
  return `#compdef sera

# Offers the values of the flag $1.
_sera_value() {
  local expl
  case $1 in
    ${values.join("\n    ")}
    (${paths.join("|")}) _files ;;
    (*) _message value ;;
  esac
}

_sera() {
  local scope=run word name over expl
  local -a flags
  integer at=2
  if (( CURRENT > 2 )) && [[ $words[2] == (${subcommands.join("|")}) ]]; then
    scope=$words[2] at=3
  fi
  while (( at < CURRENT )); do
    word=$words[at]
    name=\${\${word#-}#-}
    case $word in
      (--) over=1; (( at++ )); break ;;
      (-?*=*) (( at++ )) ;;
      (-?*)
        if [[ $name != (${valued.join("|")}) ]]; then
          (( at++ ))
        elif (( at + 1 == CURRENT )); then
          _sera_value $name
          return
        else
          (( at += 2 ))
        fi
        ;;
      (*) break ;;
    esac
  done

  if (( at == CURRENT )) && [[ -z $over && $PREFIX == -* ]]; then
    if [[ $PREFIX == *=* ]]; then
      name=\${\${\${PREFIX%%=*}#-}#-}
      compset -P 1 '*='
      _sera_value $name
      return
    fi
    case $scope in
      ${scopes.map((scope) => flagsOf(scope)).join("\n      ")}
    esac
    [[ $PREFIX != -[^-]* ]] || flags=(\${flags#-})
    _describe -o flag flags
    return
  fi
  case $scope in
    (run)
      if (( at == CURRENT )); then
        local -a subcommands=(
          ${subscopes.map(({ name, summary }) => quote(`${name}:${summary}`)).join("\n          ")}
        )
        (( CURRENT > 2 )) || _describe -t subcommands subcommand subcommands
        _wanted waits expl wait compadd -- forever
        return
      fi
      (( at++ ))
      ;;
    ${
    subscopes.filter(({ operands }) => operands.length > 0).map(({ name, operands }) =>
      `(${name}) (( at != CURRENT )) || _wanted operands expl operand compadd -- ${operands.join(" ")} ;;`
    ).join("\n    ")
  }
  esac
  case $scope in
    (${subscopes.filter(({ takesCommand }) => !takesCommand).map(({ name }) => name).join("|")}) return ;;
  esac
  (( CURRENT -= at - 1 ))
  shift $(( at - 1 )) words
  _normal
}

if [[ $funcstack[1] == _sera ]]; then
  _sera "$@"
else
  compdef _sera sera
fi
`;
}

function flagsOf({ name, flags }: Scope): string {
  const list = flags.map((flag) => quote(`--${flag.name}:${summaryOf(flag)}`));
  return `(${name})\n        flags=(\n          ${list.join("\n          ")}\n        )\n        ;;`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
