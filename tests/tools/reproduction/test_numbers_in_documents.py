"""What documents of models say of the benchmark is what its records and page say."""

import json
import re
from collections import defaultdict
from pathlib import Path
from statistics import mean, stdev

import pytest

DOCS = Path(__file__).resolve().parents[3] / 'docs/en'
DOCUMENTS = sorted((DOCS / 'models').glob('*.md'))
NUMBER = r'0\.\d{3}'
SPREAD = re.compile(f'{NUMBER} ± {NUMBER}')
DIFFERENCE = re.compile(
    rf'([-+]{NUMBER})\W+([-+]{NUMBER})(?:, | to )([-+]{NUMBER})[\])]'
)


@pytest.fixture(scope='module')
def spreads():
    """Mean ± std of each metric, over the first and last three seeds and over all."""
    values = defaultdict(lambda: defaultdict(dict))
    for path in (DOCS / 'reproduction/runs').glob('*.json'):
        record = json.loads(path.read_text())
        for name, value in record['metrics'].items():
            values[record['run']][name][record['seed']] = value
    found = set()
    for metrics in values.values():
        for of_seed in metrics.values():
            for seeds in (range(3), range(3, 6), range(6)):
                some = [of_seed[seed] for seed in seeds if seed in of_seed]
                if len(some) == len(seeds):
                    found.add(f'{mean(some):.3f} ± {stdev(some):.3f}')
    return found


def test_means_of_trainings(spreads):
    said = {text for path in DOCUMENTS for text in SPREAD.findall(path.read_text())}
    assert said and said <= spreads


def test_differences_and_intervals():
    page = set(DIFFERENCE.findall((DOCS / 'reproduction.md').read_text()))
    lines = [line for path in DOCUMENTS for line in path.read_text().splitlines()]
    # Of one training that is no run of the plan: two lines of track_by_segmentation.md.
    said = {d for x in lines if '| `label=0' not in x for d in DIFFERENCE.findall(x)}
    assert said and said <= page
