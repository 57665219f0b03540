#!/usr/bin/env bash
# create_venv.sh PYTHON VENV MMCV: make the environment, keeping a torch that PYTHON has.
# MMCV pins mmcv; what compiling it takes is looked for before anything is made.
set -euo pipefail
python=$1 venv=$2 mmcv=$3
here=$(dirname "${BASH_SOURCE[0]}")

find_torch='
import os, torch
assert tuple(map(int, torch.__version__.split("+")[0].split(".")[:2])) >= (2, 6)
print(os.path.dirname(os.path.dirname(torch.__file__)))
'
version='import sys; print("%d.%d" % sys.version_info[:2])'

fail() {
    echo "ERROR: $1" >&2
    exit 1
}

command -v "$python" >/dev/null ||
    fail "$python is not there; name a Python 3.10 or newer: make env PYTHON=..."
# pyenv has names on the path for Pythons that are not active.
said=$("$python" -c "$version" 2>&1) ||
    fail "$python does not run ($(head -n 1 <<<"$said")); name a Python 3.10 or newer: make env PYTHON=..."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    fail "$python is Python $said, older than 3.10; name another: make env PYTHON=..."
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python cannot create environments (Debian: apt install python3-venv)."

# pip comes last: an environment without it was not finished. python3 is what the Makefile
# says, so no wish for another Python than the environment's.
if [ -x "$venv/bin/python" ] && [ -x "$venv/bin/pip" ]; then
    has=$("$venv/bin/python" -c "$version" 2>&1) ||
        fail "the Python of $venv does not run; remove $venv and run the same command again."
    [ "$has" = "$said" ] || [ "$python" = python3 ] ||
        fail "$venv has Python $has and $python is $said; remove $venv, or put the new environment elsewhere: VENV=..."
    exit 0
fi

options=() torch=()
if folder=$("$python" -c "$find_torch" 2>/dev/null); then
    echo "Keeping the torch in $folder."
    options=(--system-site-packages)
else
    torch=(--torch)
fi
"$python" "$here/check_machine.py" "$venv" "$mmcv" ${torch[@]+"${torch[@]}"}
said=$("$python" -m venv ${options[@]+"${options[@]}"} "$venv" 2>&1) ||
    fail "$venv cannot be made: $(tail -n 1 <<<"$said")"

# If PYTHON is itself a virtual environment, the new one sees what is below that and not
# what is in it.
if [ -n "$folder" ] && ! "$venv/bin/python" -c 'import torch' 2>/dev/null; then
    site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    echo "$folder" >"$site/mmvis_active_environment.pth"
    "$venv/bin/python" -c 'import torch'
fi
