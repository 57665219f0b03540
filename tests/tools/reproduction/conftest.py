"""The package of tools/reproduce.py is found where the script finds it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / 'tools'))


@pytest.fixture
def plan():
    """Three runs of which one tests another's weights, and three claims."""
    from made_records import CONFIG
    from reproduction.plan_format import Claim, Plan, Run

    def claim(name, text, better, than, **more):
        return Claim(name, 'SG-Net', text, 'Table 1.', better, than, **more)

    claims = [
        claim('good', 'It helps.', 'strong', 'weak', where=('all', 'blur')),
        claim('bad', 'It helps too.', 'weak', 'strong', where=('twins',)),
        claim('tested', 'So.', 'odd', 'weak', budget='weights', remark='Why.'),
    ]
    runs = [
        Run('strong', CONFIG, 40),
        Run('weak', CONFIG, 40, {'model.x': 1}),
        Run('odd', test_of='weak', overrides={'model.x': 2}),
    ]
    return Plan('data', 'bench', (0, 1, 2), runs, claims, systems=('strong', 'weak'))
