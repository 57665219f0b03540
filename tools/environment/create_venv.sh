#!/usr/bin/env bash
# create_venv.sh PYTHON VENV: make the environment, keeping a torch that PYTHON has.
set -euo pipefail
python=$1 venv=$2

find_torch='
import os, torch
assert tuple(map(int, torch.__version__.split("+")[0].split(".")[:2])) >= (2, 6)
print(os.path.dirname(os.path.dirname(torch.__file__)))
'

command -v "$python" >/dev/null || {
    echo "ERROR: $python is not there; name a Python 3.10 or newer: make env PYTHON=..."
    exit 1
}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
    echo "ERROR: $python is older than 3.10; name another: make env PYTHON=..."
    exit 1
}
"$python" -c 'import ensurepip, venv' 2>/dev/null || {
    echo "ERROR: $python cannot create environments (Debian: apt install python3-venv)."
    exit 1
}
[ -x "$venv/bin/python" ] && exit 0

if folder=$("$python" -c "$find_torch" 2>/dev/null); then
    echo "Keeping the torch in $folder."
    "$python" -m venv --system-site-packages "$venv"
    # If PYTHON is itself a virtual environment, the new one sees what is below that and
    # not what is in it.
    if ! "$venv/bin/python" -c 'import torch' 2>/dev/null; then
        site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
        echo "$folder" >"$site/mmvis_active_environment.pth"
        "$venv/bin/python" -c 'import torch'
    fi
else
    "$python" -m venv "$venv"
fi
