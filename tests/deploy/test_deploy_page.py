"""The page about deployment has the Dockerfile that is in the tree."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_pages_dockerfile():
    page = (ROOT / 'docs/en/deploy.md').read_text()
    (block,) = re.findall(r'```dockerfile\n(.*?)```', page, re.DOTALL)
    path = re.search(r'docker build -f (\S+)', page)[1]
    assert block == (ROOT / path).read_text()
    # What is copied is there once the source is away, and is what runs.
    assert block.index('rm -r /src') < block.index('COPY models')
    (extra,) = re.findall(r'/src\[(\w+)\]', block)
    assert (ROOT / f'requirements/{extra}.txt').is_file()
    exported = re.search(r'--weights \S+ +# (\S+\.onnx)', page)[1]
    assert f'/models/{exported}' in block
