"""Stand in for the C++ compiler while mmcv is built: parse torch's headers only once.

    python cxx.py FOLDER COMPILER [WORD ...] -- OPTION ...

Each of mmcv's 78 files includes ``torch/types.h``, and parsing that is most of the
work. The first call that compiles a file compiles FOLDER/torch.h before, with the same
options, into a precompiled header. The others wait for it and take it (``-include``):
to compile files as ever meanwhile is no gain, since one takes as long as the header.
Where the options differ, or there is no header, a file is compiled as ever. A call
without ``-c`` (linking, ``-v``) passes through as it is.

Debug information is left out too (Python's own ``-g`` would come along), unless CFLAGS
or CXXFLAGS are set. What is optimized, and how, does not change.

    torch.h        what is precompiled; without it, there is no header
    extra          options for making the header and nothing else, a line each
    torch.h.gch    the precompiled header; gcc and clang both look for this name
    options        what it was made with
    failed         why there is none
    lock           held by the call that makes it

This file starts once a source file: it imports little, and runs with ``python -I -S``.
"""

import fcntl
import os
import sys

SOURCES = ('.cpp', '.cc', '.cxx', '.C')
# Options that say where a result goes, not what it is; some have a value.
OUTPUT = {'-c': 0, '-MMD': 0, '-MD': 0, '-MF': 1, '-MT': 1, '-MQ': 1, '-o': 1}
DEBUG = ('-g', '-g1', '-g2', '-g3', '-ggdb', '-ggdb1', '-ggdb2', '-ggdb3')


def without_debug(arguments: list[str], environment: dict[str, str]) -> list[str]:
    """Leave out ``-g`` where it is Python's and not the user's.

    Set CFLAGS and CXXFLAGS replace Python's options, so any ``-g`` is then the user's.
    """
    if 'CFLAGS' in environment or 'CXXFLAGS' in environment:
        return arguments
    return [argument for argument in arguments if argument not in DEBUG]


def options_of(arguments: list[str]) -> list[str]:
    """The options that a precompiled header must share: no source, no output."""
    options, skip = [], 0
    for argument in arguments:
        if skip:
            skip -= 1
        elif argument in OUTPUT:
            skip = OUTPUT[argument]
        elif not argument.endswith(SOURCES):
            options.append(argument)
    return options


def with_header(folder: str, compiler: list[str], arguments: list[str]) -> list[str]:
    """Add the precompiled header of ``folder`` if it is there and fits.

    The first caller makes it.
    """
    header = os.path.join(folder, 'torch.h')
    sources = [argument for argument in arguments if argument.endswith(SOURCES)]
    if '-c' not in arguments or len(sources) != 1 or not os.path.exists(header):
        return arguments
    options = options_of(arguments)
    record = os.path.join(folder, 'options')
    with open(os.path.join(folder, 'lock'), 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(record):
            _precompile(header, compiler, options)
            with open(record, 'w') as file:
                file.write('\n'.join(options))
    with open(record) as file:
        fits = file.read() == '\n'.join(options)
    if not fits or not os.path.exists(header + '.gch'):
        return arguments
    return ['-include', header, '-Winvalid-pch', *arguments]


def _precompile(header: str, compiler: list[str], options: list[str]) -> None:
    """Compile ``header``, or say in the file ``failed`` why that is not possible."""
    import subprocess

    folder = os.path.dirname(header)
    with open(os.path.join(folder, 'extra')) as file:
        extra = file.read().split()
    part = header + '.part'
    run = subprocess.run(
        [*compiler, *options, *extra, '-x', 'c++-header', header, '-o', part],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors='replace',
    )
    if run.returncode == 0:
        os.rename(part, header + '.gch')
        return
    errors = [line for line in run.stdout.splitlines() if 'error:' in line]
    reason = (errors or run.stdout.splitlines() or [f'exit status {run.returncode}'])[0]
    if os.path.exists(part):
        os.remove(part)
    with open(os.path.join(folder, 'failed'), 'w') as file:
        file.write(reason.strip())


def main(argv: list[str]) -> None:
    """Become the compiler."""
    end = argv.index('--')
    folder, compiler = argv[0], argv[1:end]
    arguments = without_debug(argv[end + 1 :], dict(os.environ))
    command = [*compiler, *with_header(folder, compiler, arguments)]
    os.execvp(command[0], command)


if __name__ == '__main__':
    main(sys.argv[1:])
