"""The first word of the command: what else ``python -m mmvis`` does but track.

Each is a script of ``tools/``, which stays one: the command only finds it, so that an
installed package needs no checkout. A video of such a name is ``./eval``.
"""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import NamedTuple

import mmvis


class Script(NamedTuple):
    """A script and what it does, in a few words."""

    path: str
    does: str


SCRIPTS = {
    'eval': Script('analysis_tools/eval_results.py', 'AP of a results file'),
    'report': Script('analysis_tools/analyze_errors.py', 'what costs AP, as a page'),
    'validate': Script('dataset_tools/validate.py', 'check an annotation file'),
    'convert': Script('dataset_tools/convert.py', "other tools' annotations"),
    'browse': Script('dataset_tools/browse.py', 'contact sheets of a data set'),
    'synth-vis': Script('dataset_tools/synth_vis.py', 'draw the SynthVIS benchmark'),
}
OTHERS = {
    'track': 'a video: what is done without such a word, too',
    'export': 'a network as ONNX files',
    'doctor': 'look at the installation',
    'completion': 'for bash and zsh: eval "$(python -m mmvis completion)"',
}


def overview() -> str:
    """A line a word."""
    lines = [f'  {name:11s} {does}' for name, does in OTHERS.items()]
    lines += [f'  {name:11s} {script.does}' for name, script in SCRIPTS.items()]
    return '\n'.join(lines)


def run_script(name: str, words: list[str]) -> int:
    """Run a script of SCRIPTS with its arguments; returns its exit code."""
    path = find_script(SCRIPTS[name].path)
    if path is None:
        print(
            f'mmvis: error: {SCRIPTS[name].path} is not installed with mmvis: install '
            'it from a wheel or a checkout.',
            file=sys.stderr,
        )
        return 1
    before, folders = sys.argv, list(sys.path)
    # What argparse calls the command in its usage.
    sys.argv = [f'mmvis {name}', *words]
    sys.path.insert(0, str(path.parent))
    try:
        # Not runpy, which would call the command by the script's name.
        spec = spec_from_file_location(path.stem, path)
        assert spec is not None and spec.loader is not None  # there is a file
        script = module_from_spec(spec)
        spec.loader.exec_module(script)
        return script.main() or 0
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    finally:
        sys.argv, sys.path[:] = before, folders


def find_script(name: str) -> Path | None:
    """A script of this installation: of a wheel, or of a checkout."""
    package = Path(mmvis.__file__).resolve().parent
    places = package / '.mim/tools' / name, package.parent / 'tools' / name
    return next((place for place in places if place.is_file()), None)


def completion() -> str:
    """A script for bash, and for zsh by its bashcompinit."""
    from .arguments import make_parser

    options = [
        option
        for action in make_parser()._actions
        for option in action.option_strings
        if option.startswith('--')
    ]
    words = ' '.join([*OTHERS, *SCRIPTS])
    return _COMPLETION.format(words=words, options=' '.join(sorted(options)))


_COMPLETION = """\
if [ -n "$ZSH_VERSION" ]; then autoload -U +X bashcompinit && bashcompinit; fi
_mmvis() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}"
  COMPREPLY=()
  if [[ "$word" == --* ]]; then
    COMPREPLY=($(compgen -W "{options}" -- "$word"))
  elif [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "{words}" -- "$word"))
  fi
  COMPREPLY+=($(compgen -f -- "$word"))
}}
complete -o filenames -F _mmvis mmvis
"""


def main(argv: list[str] | None = None) -> int:
    """Run what the first word asks for: a video, unless it is a command's name."""
    words = sys.argv[1:] if argv is None else argv
    first, rest = words[0] if words else '', words[1:]
    if first == 'completion':
        print(completion(), end='')
        return 0
    if first in SCRIPTS:
        return run_script(first, rest)
    from .command import main as predict

    return predict(rest if first == 'track' else words)
