"""Completion scripts for bash, zsh and fish, and what they ask: candidates, each inserted as one literal word.

Candidates come from servers, files and the configuration, so their text is hostile: it must never become shell syntax.
zsh and fish quote what they insert. bash does not, so that a candidate for bash is quoted here, for the quotes that are
open where it is inserted, or left out. The completers themselves are in `complete`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

import click
from click.shell_completion import CompletionItem, ShellComplete, get_completion_class

#: The variable by which a script asks, such as ``bash_complete``.
VARIABLE = "_BEANOPS_COMPLETE"
#: What ends a word for readline, as bash has it by default.
_BREAKS = " \t\n\"'><=;|&(:"

# bash gives the line in the environment, as the scripts of click do, which some have in a file: `plain,VALUE` is what
# it inserts as it is, `file,` asks for its own completion of paths. The others give the words as arguments, and get
# `:VALUE`, with a tab and a description where there is one, or `file`.
_BASH = r"""_beanops_completion() {
    local IFS=$'\n' line reply
    COMPREPLY=()
    reply=$(env _BEANOPS_COMPLETE=bash_complete COMP_WORDS="${COMP_LINE:0:COMP_POINT}" \
        COMP_WORDBREAKS="$COMP_WORDBREAKS" "${1/#\~\//$HOME/}" 2>/dev/null)
    while read -r line; do
        case $line in
            plain,*) COMPREPLY+=("${line#plain,}") ;;
            file,*) compopt -o default ;;
        esac
    done <<<"$reply"
}
complete -o nosort -F _beanops_completion beanops
"""
_ZSH = r"""#compdef beanops
_beanops_completion() {
    emulate -L zsh
    local line tab=$'\t' word="$compstate[quote]$PREFIX$compstate[quote]"
    local -a values described shown
    for line in "${(@f)$(env _BEANOPS_COMPLETE=zsh_complete beanops \
        "${(@Q)words[2,CURRENT-1]}" "${(Q)word}" 2>/dev/null)}"; do
        case $line in
            (:*$tab*)
                described+=("${${line#:}%%$tab*}")
                shown+=("${(r:24:)described[-1]} -- ${line#*$tab}") ;;
            (:*) values+=("${line#:}") ;;
            (file) _files ;;
        esac
    done
    (( $#described )) && compadd -V beanops -l -d shown -a -- described
    (( $#values )) && compadd -V beanops -a -- values
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _beanops_completion "$@"
else
    compdef _beanops_completion beanops
fi
"""
_FISH = r"""function _beanops_completion
    set -l words (commandline -opc)
    set -l token (commandline -ct)
    for line in (env _BEANOPS_COMPLETE=fish_complete beanops $words[2..-1] "$token" 2>/dev/null)
        switch $line
            case ':*'
                string sub --start=2 -- $line
            case file
                __fish_complete_path "$token"
        end
    end
end
complete --no-files --command beanops --arguments '(_beanops_completion)'
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}

#: What bash may read as more than itself outside quotes: all but these.
_PLAIN = re.compile(r"[^A-Za-z0-9_@%+:=,./-]")
#: What ends a word, and what begins another command.
_BLANKS, _COMMANDS = " \t", "\n;|&(`"


def answer(group: click.Group, instruction: str, arguments: Sequence[str]) -> None:
    """Print what a script asks for.

    Parameters
    ----------
    group : click.Group
        The commands.
    instruction : str
        ``bash_complete``, ``zsh_complete`` or ``fish_complete``; with ``_source`` the script itself.
    arguments : sequence of str
        Of zsh and fish the words, the last one as far as it is typed.
    """
    shell, _, asked = instruction.partition("_")
    if shell not in SCRIPTS:
        return
    if asked == "source":
        click.echo(SCRIPTS[shell], nl=False)
        return
    if shell == "bash":
        line = _line_of_bash()
        words = split(line)
        breaks = os.environ.get("COMP_WORDBREAKS", _BREAKS)
        lines = _for_bash(_candidates(group, words), words[-1], line, breaks)
    elif not arguments:  # a script of click asks, in a shell that quotes what it inserts
        kind = get_completion_class(shell)
        assert kind is not None
        lines = [kind(group, {}, "beanops", VARIABLE).complete()]
    else:
        # fish gives the last word as it was typed, with its quotes.
        words = [*arguments[:-1], split(arguments[-1])[-1] if shell == "fish" else arguments[-1]]
        lines = [_line(item) for item in _candidates(group, words)]
    click.echo("\n".join(lines))


def _line_of_bash() -> str:
    """Return the line as far as it is typed; a script of click gives its words, also those behind the cursor."""
    line = os.environ.get("COMP_WORDS", "")
    words, last = line.split("\n"), os.environ.get("COMP_CWORD", "")
    if len(words) > 1 and last.isdigit():
        words = [*words, ""][: int(last) + 1]
    return " ".join(words)


def _candidates(group: click.Group, words: Sequence[str]) -> list[CompletionItem[str]]:
    """Return words that may replace the last one."""
    *args, incomplete = words
    items = ShellComplete(group, {}, "beanops", VARIABLE).get_completions(args, incomplete)
    option, equals, _ = incomplete.partition("=")
    # click completes the value of `--tube=va`, and leaves the option out.
    before = option + equals if equals and option.startswith("-") else ""
    return [
        CompletionItem(before + str(item.value), item.type, " ".join((item.help or "").split()))
        for item in items
        if str(item.value).isprintable() and (item.value or item.type != "plain")
    ]


def _line(item: CompletionItem[str]) -> str:
    if item.type != "plain":
        return "file"
    return f":{item.value}\t{item.help}" if item.help else f":{item.value}"


class _Lexed(NamedTuple):
    """The words of the last command of a line; the last one may be empty, or have a quote that is still open."""

    words: list[str]
    quote: str


def _lex(line: str) -> _Lexed:
    words, word, quote = [], "", ""
    started = False
    rest = iter(line)
    for character in rest:
        if quote:
            if character == quote:
                quote = ""
            elif character == "\\" and quote == '"':
                after = next(rest, "")
                word += after if after in '$`"\\' else "\\" + after
            else:
                word += character
        elif character in "'\"":
            quote, started = character, True
        elif character == "\\":
            word, started = word + next(rest, ""), True
        elif character in _BLANKS:
            words += [word] if started else []
            word, started = "", False
        elif character in _COMMANDS:
            words, word, started = [], "", False
        else:
            word, started = word + character, True
    return _Lexed([*words, word], quote)


def split(line: str) -> list[str]:
    """Return the arguments of the last command of a line without their quotes, the last one as far as it is typed."""
    words = _lex(line).words
    while len(words) > 1 and re.match(r"[A-Za-z_][A-Za-z0-9_]*=", words[0]):
        words = words[1:]
    return words[1:] or words


def _for_bash(items: list[CompletionItem[str]], word: str, line: str, breaks: str) -> list[str]:
    """Return candidates as bash inserts them: for the part of the word that it replaces, within the open quote."""
    if any(item.type != "plain" for item in items):
        return ["file,"]
    start, quote = _replaced(line, breaks)
    kept = word[: len(word) - len(_lex(quote + line[start:]).words[-1])]
    quoted = [
        text for item in items if item.value.startswith(word) and (text := _quoted(item.value[len(kept) :], quote))
    ]
    common = _common(quoted)
    if len(quoted) > 1 and (len(common) - len(common.rstrip("\\"))) % 2:
        # bash inserts what is common to all, and half an escape would swallow the next character that is typed.
        quoted.append(f"{common[:-1]}...")
    return [f"plain,{text}" for text in quoted]


def _common(texts: list[str]) -> str:
    """Return what all texts begin with."""
    first, last = min(texts, default=""), max(texts, default="")
    same = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(character for character, _ in same)


def _replaced(line: str, breaks: str) -> tuple[int, str]:
    """Return where the text begins that readline replaces, and the quote that is open there."""
    quote, opened, escaped = "", 0, False
    unquoted = []
    for place, character in enumerate(line):
        if escaped:
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = True
        elif quote:
            if character == quote:
                quote = ""
                unquoted.append(place)
        elif character in "'\"":
            quote, opened = character, place + 1
        else:
            unquoted.append(place)
    if quote:
        return opened, quote
    return max((place + 1 for place in unquoted if line[place] in breaks or line[place] in "'\""), default=0), ""


def _quoted(text: str, quote: str) -> str:
    """Return a text as bash reads it literally; empty for what cannot be written within that quote."""
    if quote == "'":
        return "" if re.search(r"['\\]", text) else text  # a backslash means something within $'...'
    if quote:
        return "" if "!" in text else re.sub(r'[$`"\\]', r"\\\g<0>", text)
    return _PLAIN.sub(lambda found: f"\\{found.group()}", text)
