"""What tools/train.py and tools/test.py have in common.

The scripts are copied into the wheel and run from anywhere by ``mim``, so what they
share lives in the package.
"""

from __future__ import annotations

import argparse
import linecache
import os
import os.path as osp
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .class_count import classes_of, fit_class_count, is_explicit, trained_classes
from .config_files import read_config, replace_entries
from .config_mistakes import config_mistake
from .errors import CheckpointError, CommandError, ConfigError, NonFiniteLossError
from .key_values import KeyValues
from .machine_faults import machine_fault

if TYPE_CHECKING:
    from mmengine.config import Config
    from mmengine.runner import Runner

__all__ = [
    'CommandError',
    'build_runner',
    'find_values',
    'fit_classes_to_data',
    'fit_classes_to_weights',
    'load_config',
    'make_parser',
    'naming_config_keys',
    'run_command',
    'user_message',
]

# Raised on purpose about what a user gave; everything else is a bug and keeps its
# trace.
_ALWAYS_USER = (
    CommandError,
    ConfigError,
    CheckpointError,
    NonFiniteLossError,
    FileNotFoundError,
)
_PERHAPS_USER = (ValueError, KeyError, OSError, RuntimeError, ImportError)


def make_parser(description: str) -> argparse.ArgumentParser:
    """A parser with the arguments that every script has.

    ``--local_rank`` / ``--local-rank`` and ``--launcher`` are what
    ``torch.distributed.launch`` and ``mim`` pass.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--work-dir',
        help="folder for logs, checkpoints and results (default: the config's "
        'work_dir, '
        'else ./work_dirs/<config name>)',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=KeyValues,
        metavar='KEY=VALUE',
        help='override entries of the config, e.g. train_dataloader.batch_size=2 '
        'val_evaluator.classwise=True "model.x=[1,2]" (quoted, without spaces inside)',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what starts the processes of a distributed run',
    )
    parser.add_argument(
        '--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS
    )
    return parser


def load_config(args: argparse.Namespace) -> Config:
    """Read the config; apply --cfg-options and --work-dir."""
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    if not osp.isfile(args.config):
        raise CommandError(
            f'The config {args.config} does not exist (looked for it from '
            f'{os.getcwd()}).'
        )
    config = read_config(args.config)
    config.launcher = args.launcher
    if args.cfg_options is not None:
        roots = {key: config.get(key) for key in args.cfg_options}
        replace_entries(config, args.cfg_options)
        for key, root in roots.items():
            # data_root, and data_root_<set> where a config has several.
            if key.startswith('data_root') and root is not None:
                _replace_data_root([*config.values()], root, config[key])
    name = osp.splitext(osp.basename(args.config))[0]
    if args.work_dir is not None:
        config.work_dir = args.work_dir
    elif config.get('work_dir') is None:
        config.work_dir = osp.join('work_dirs', name)
    # The runner writes the merged config to the work dir under the config's file name.
    # mim looks for a bare name in the whole checkout and gives up when two files have
    # it.
    object.__setattr__(config, '_filename', f'{name}_merged.py')
    return config


def _replace_data_root(node: object, old: str, new: str) -> None:
    """Move every dataset below ``node`` from the data_root ``old`` to ``new``.

    A config's variables are spent when it has been read: without this, overriding
    data_root on the command line would change nothing.
    """
    if isinstance(node, list | tuple):
        for child in node:
            _replace_data_root(child, old, new)
    elif isinstance(node, dict):
        if node.get('data_root') == old:
            node['data_root'] = new
        for child in node.values():
            _replace_data_root(child, old, new)


def fit_classes_to_data(config: Config, args: argparse.Namespace) -> str | None:
    """Give the model as many classes as the training set has; says what it did.

    A number that the config or an option sets stays; see ``class_count``.
    """
    dataset = (config.get('train_dataloader') or {}).get('dataset')
    if not isinstance(dataset, dict) or is_explicit(
        args.config, args.cfg_options or ()
    ):
        return None
    classes = classes_of(dataset)
    if not classes or 'model' not in config:
        return None
    return fit_class_count(config.model, classes, dataset.get('ann_file') or 'the data')


def fit_classes_to_weights(config: Config, args: argparse.Namespace) -> str | None:
    """Give the model as many classes as its weights were trained for."""
    from mmengine.runner.checkpoint import CheckpointLoader

    import mmvis.registry  # noqa: F401

    if is_explicit(args.config, args.cfg_options or ()) or 'model' not in config:
        return None
    content = CheckpointLoader.load_checkpoint(args.checkpoint, map_location='cpu')
    classes = trained_classes(content)
    if not classes:
        return None
    return fit_class_count(config.model, classes, f'the weights {args.checkpoint}')


def build_runner(config: Config) -> Runner:
    """Build mmvis's runner, or the one that ``runner_type`` names."""
    # Whatever the config's scope is: our loader reads checkpoints from here on.
    import mmvis.registry  # noqa: F401, I001
    from mmdet.utils import setup_cache_size_limit_of_dynamo
    from mmengine.registry import RUNNERS

    from mmvis.engine.runner import VISRunner

    setup_cache_size_limit_of_dynamo()
    if 'runner_type' in config:
        return RUNNERS.build(config)
    return VISRunner.from_cfg(config)


@contextmanager
def naming_config_keys(config: Config) -> Iterator[None]:
    """Add to an error about a checkpoint the config keys that name it."""
    try:
        yield
    except CheckpointError as error:
        keys = [] if error.source is None else list(find_values(config, error.source))
        if not keys:
            raise
        raise CheckpointError(f'{error} Here KEY is {" and ".join(keys)}.') from error


def find_values(config: Any, value: Any, prefix: str = '') -> Iterator[str]:
    """The dotted keys under which ``value`` stands in a config."""
    if hasattr(config, 'items'):
        entries: Any = config.items()
    else:
        entries = enumerate(config)
    for key, entry in entries:
        if isinstance(entry, (dict, list, tuple)):
            yield from find_values(entry, value, f'{prefix}{key}.')
        elif isinstance(entry, str) and entry == value:
            yield f'{prefix}{key}'


def run_command(main: Callable[[], None]) -> None:
    """Run a script's main; a user's mistake ends it with one sentence and exit code 1.

    Set MMVIS_TRACEBACK=1 to see where such an error was raised.
    """
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit('Interrupted.') from None
    except Exception as error:
        message = None if os.environ.get('MMVIS_TRACEBACK') else user_message(error)
        who = _told_to_ranks(error, message)
        if who and message is None and (said := _lost_partner(error)):
            message = said
        if message is None:
            if who:
                print(f'{who} failed:', file=sys.stderr)
            raise
        name = osp.basename(sys.argv[0]) + (f', {who}' if who else '')
        raise SystemExit(f'{name}: error: {message}') from None


def _told_to_ranks(error: Exception, message: str | None) -> str:
    """This rank's name, where it has partners; they are told what has happened."""
    if 'torch.distributed' not in sys.modules:
        return ''
    from .ranks import is_lost_partner, rank_name, report_failure

    who = rank_name()
    if who and not is_lost_partner(error):
        report_failure(message or f'{type(error).__name__}: {error}')
    return who


def _lost_partner(error: Exception) -> str | None:
    """Of an error that says only that another rank has gone: which, and why."""
    from .ranks import is_lost_partner, who_failed

    if os.environ.get('MMVIS_TRACEBACK') or not is_lost_partner(error):
        return None
    return who_failed()


def user_message(error: BaseException) -> str | None:
    """The sentence that an error has for the user; None if it is a bug."""
    from_worker = re.match(r'Caught \w+ in DataLoader worker', str(error))
    if from_worker:
        return _message_of_worker(str(error))
    if not is_user_error(error):
        return machine_fault(error) or config_mistake(error)
    if isinstance(error, FileNotFoundError) and error.filename:
        return f'{error.filename} does not exist (looked for from {os.getcwd()}).'
    # str() of a KeyError is the repr of its message.
    return error.args[0] if isinstance(error, KeyError) else str(error)


def _message_of_worker(text: str) -> str | None:
    """The sentence of an error that torch brings from a data worker as a printed trace.

    The last place of the trace decides, as in :func:`is_user_error`.
    """
    places = list(re.finditer(r'^ +File "(.+)", line (\d+), in .+$', text, re.M))
    if not places or not _raised_on_purpose(places[-1][1], int(places[-1][2])):
        return None
    behind = text[places[-1].end() :]
    said = re.search(r'^\w[\w.]*: (.+)', behind, re.M | re.S)
    return said and said[1].strip()


def is_user_error(error: BaseException) -> bool:
    """Whether mmvis raised ``error`` on purpose, with a sentence for the user.

    True for the named error types and for a missing file, and for a ValueError,
    KeyError and the like that a ``raise`` statement of mmvis itself started: the same
    types out of a library, or out of a failing expression of ours, are bugs whose trace
    is needed.
    """
    if isinstance(error, _ALWAYS_USER):
        return True
    trace = error.__traceback__
    if not isinstance(error, _PERHAPS_USER) or trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    return _raised_on_purpose(trace.tb_frame.f_code.co_filename, trace.tb_lineno)


def _raised_on_purpose(filename: str, line_number: int) -> bool:
    """Whether this line is a ``raise`` statement of mmvis."""
    package = osp.dirname(osp.dirname(osp.abspath(__file__)))
    line = linecache.getline(filename, line_number).strip()
    return osp.abspath(filename).startswith(package + os.sep) and line.startswith(
        'raise'
    )
