"""Shell completion: scripts that know the commands, their keys, and the choices of each group.

Hydra's own completion belongs to programs that have no commands in front of their overrides. These
scripts complete at once, since nothing starts Python at a press of Tab.
"""

from __future__ import annotations

from collections.abc import Sequence

from tsconv.commands.bundle_command import ACTIONS
from tsconv.config.explanations import sections
from tsconv.errors import ConfigError, nearest

SHELLS = ("bash", "zsh", "fish")
_COMMANDS = ("check", "train", "forecast", "backtest", "merge", "sweep", "runs")
_FIRST = (*_COMMANDS, "bundle", "completion")  # what may stand behind `tsconv`
_PATHS = ("data.path", "data.future_path", "bundle", "output", "template", "plot", "run_dir",
          "resume", "dir")  # fmt: skip

USAGE = """\
tsconv completion bash|zsh|fish prints a script that completes commands, keys and choices.
Add one line to the file that your shell reads at its start:

  bash    ~/.bashrc                     eval "$(tsconv completion bash)"
  zsh     ~/.zshrc, below compinit      eval "$(tsconv completion zsh)"
  fish    ~/.config/fish/config.fish    tsconv completion fish | source
"""


def completion_script(shell: str) -> str:
    """The script for a shell; raises ConfigError for one that is not known.

    >>> "data.path=" in completion_script("bash")
    True
    """
    if shell not in SHELLS:
        raise ConfigError(
            f"`tsconv completion {shell}`: no such shell{nearest(shell, SHELLS)}; give one of "
            f"{', '.join(SHELLS)}"
        )
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell]()


def candidates(command: str) -> list[str]:
    """The keys of a command, each ending in `=`, and the choices of groups, such as head=point.

    >>> [word for word in candidates("train") if word.startswith("scheduler=")]
    ['scheduler=constant', 'scheduler=cosine', 'scheduler=one_cycle']
    """
    found = sections(command)
    words = ["clean"] if command == "runs" else []
    choices = [*words, *(f"{s.group}={option}" for s in found for option in s.options)]
    return [f"{key.name}=" for s in found for key in s.keys] + choices


def _words(words: Sequence[str]) -> str:
    return " ".join(words)


def _bash() -> str:
    # Bash splits words at `=`: what stands before it is cut off the candidates.
    cases = "\n".join(f'    {c}) words="{_words(candidates(c))}" ;;' for c in _COMMANDS)
    return f"""\
_tsconv() {{
  local line="${{COMP_LINE:0:COMP_POINT}}" words="" word cut
  word="${{line##*[[:space:]]}}"
  case "${{COMP_WORDS[1]}}" in
{cases}
    bundle)
      if [[ $COMP_CWORD -gt 2 ]]; then COMPREPLY=($(compgen -f -- "$word")); return; fi
      words="{_words(ACTIONS)}" ;;
    completion) words="{_words(SHELLS)}" ;;
  esac
  [[ $COMP_CWORD -eq 1 ]] && words="{_words(_FIRST)}"
  cut="${{word%"${{word##*=}}"}}"
  case "$word" in
    {"|".join(f"{key}=*" for key in _PATHS)})
      COMPREPLY=($(compgen -f -- "${{word#*=}}")); return ;;
  esac
  COMPREPLY=($(compgen -W "$words --help" -- "$word"))
  [[ "$COMP_WORDBREAKS" == *=* ]] && COMPREPLY=("${{COMPREPLY[@]#"$cut"}}")
  [[ ${{#COMPREPLY[@]}} -eq 1 && "${{COMPREPLY[0]}}" == *= ]] && compopt -o nospace
  return 0
}}
complete -o filenames -F _tsconv tsconv
"""


def _zsh() -> str:
    cases = "\n".join(f"    {c}) words_of=({_words(candidates(c))}) ;;" for c in _COMMANDS)
    return f"""\
#compdef tsconv
_tsconv() {{
  local -a words_of
  if (( CURRENT == 2 )); then
    compadd -- {_words(_FIRST)}
    return
  fi
  case $words[2] in
{cases}
    bundle)
      if (( CURRENT > 3 )); then _files; return; fi
      words_of=({_words(ACTIONS)}) ;;
    completion) words_of=({_words(SHELLS)}) ;;
  esac
  case $PREFIX in
    {"|".join(f"{key}=*" for key in _PATHS)}) compset -P '*='; _files; return ;;
  esac
  compadd -S '' -- ${{(M)words_of:#*=}}
  compadd -- ${{words_of:#*=}} --help
}}
if [ "$funcstack[1]" = "_tsconv" ]; then _tsconv "$@"; else compdef _tsconv tsconv; fi
"""


def _fish() -> str:
    first = f"complete -c tsconv -f -n __fish_use_subcommand -a '{_words(_FIRST)}'"
    lines = [first, "complete -c tsconv -s h -l help"]
    named = "__fish_seen_subcommand_from"
    lines.append(f"complete -c tsconv -f -n '{named} completion' -a '{_words(SHELLS)}'")
    no_action = f"{named} bundle; and not {named} {_words(ACTIONS)}"
    lines.append(f"complete -c tsconv -f -n '{no_action}' -a '{_words(ACTIONS)}'")
    for command in _COMMANDS:
        words = candidates(command)
        keys = [word for word in words if word.endswith("=")]
        choices = [word for word in words if not word.endswith("=")]
        # Once a key is typed, fish completes the files behind its `=` by itself.
        no_key = f'{named} {command}; and not string match -q "*=*" -- (commandline -ct)'
        lines.append(f"complete -c tsconv -f -n '{no_key}' -a '{_words(keys)}'")
        if choices:
            lines.append(f"complete -c tsconv -n '{named} {command}' -a '{_words(choices)}'")
    return "\n".join([*lines, ""])
