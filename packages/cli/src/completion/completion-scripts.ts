import { PROGRAM } from '../io.ts';

/** The hidden command that prints suggestions for the words after it. The scripts run it. */
export const COMPLETE = '__complete';

/**
 * Bash splits words at `:` and `=` too, and replaces only the last part. The script joins the parts, and removes from each
 * suggestion what is before the last part.
 */
const BASH = `
# Completes ${PROGRAM} in bash. Load it with: source <(${PROGRAM} completion bash)
_soci_index() {
  local line=\${COMP_LINE:0:COMP_POINT} words=() word trimmed current prefix='' breaks='' value quoted i
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    trimmed=\${line#"\${line%%[![:space:]]*}"}
    if [[ $i -eq 0 || $trimmed != "$line" ]]; then words+=(''); fi
    if [[ $trimmed != "$word"* ]]; then word=$trimmed; fi
    words[\${#words[@]} - 1]+=$word
    line=\${trimmed:\${#word}}
  done
  # The program reads the words without quotes.
  for ((i = 1; i < \${#words[@]}; i++)); do words[i]=\${words[i]//[\\"\\'\\\\]/}; done
  current=\${words[\${#words[@]} - 1]}
  if [[ $COMP_WORDBREAKS == *:* ]]; then breaks+=:; fi
  if [[ $COMP_WORDBREAKS == *=* ]]; then breaks+==; fi
  if [[ -n $breaks ]]; then prefix=\${current%"\${current##*[$breaks]}"}; fi
  COMPREPLY=()
  while IFS=$'\\t' read -r value _; do
    value=\${value#"$prefix"}
    printf -v quoted %q "$value"
    if [[ $value == '~'* ]]; then quoted=\${quoted#\\\\}; fi
    COMPREPLY+=("$quoted")
  done < <("\${words[0]/#\\~/$HOME}" ${COMPLETE} "\${words[@]:1}" 2>/dev/null)
  if [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *[/:=] ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -F _soci_index ${PROGRAM}
`;

const ZSH = `
#compdef ${PROGRAM}
# Completes ${PROGRAM} in zsh. Load it with: source <(${PROGRAM} completion zsh)
_soci_index() {
  local -a typed open shown_open closed shown_closed
  local value description quoted shown
  typed=("\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}")
  while IFS=$'\\t' read -r value description; do
    quoted=\${(q)value}
    if [[ $value == '~'* ]]; then quoted=\${quoted#\\\\}; fi
    shown="$value\${description:+  -- $description}"
    if [[ $value == *[/:=] ]]; then
      open+=("$quoted")
      shown_open+=("$shown")
    else
      closed+=("$quoted")
      shown_closed+=("$shown")
    fi
  done < <(\${~words[1]} ${COMPLETE} "\${typed[@]}" 2>/dev/null)
  compadd -Q -l -d shown_closed -a closed
  compadd -Q -l -S '' -d shown_open -a open
}
if [[ $funcstack[1] == _soci_index ]]; then
  _soci_index "$@"
else
  compdef _soci_index ${PROGRAM}
fi
`;

const FISH = `
# Completes ${PROGRAM} in fish. Write it to ~/.config/fish/completions/${PROGRAM}.fish
function __soci_index_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    $program ${COMPLETE} $words "$current" 2>/dev/null
end
complete -c ${PROGRAM} -f -k -a '(__soci_index_complete)'
`;

/** The script for each shell. */
export const COMPLETION_SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH } as const;

/** Reports whether a word is the name of a supported shell. */
export function isShell(word: string): word is keyof typeof COMPLETION_SCRIPTS {
  return Object.hasOwn(COMPLETION_SCRIPTS, word);
}
