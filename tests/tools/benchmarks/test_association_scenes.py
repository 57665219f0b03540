"""Hand-made scenes: a rule of association that breaks a family of them is seen."""

import numpy as np
import pytest
from time_tables import TOOLS

# Each seventh scene of a family (7 divides no number of speeds, sizes or widths), and
# how many of those may be wrong: as many as are. More needs a reason.
FLOORS = {
    'posts': (58, 5),
    'nested': (13, 1),
    'turning': (10, 2),
    'fast': (7, 7),
    'quick': (6, 0),
    'strangers': (13, 2),
    'pieces': (21, 1),
    'alarms': (7, 4),
}


@pytest.fixture
def scenes(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    from measuring import association_scenes

    return association_scenes


@pytest.mark.parametrize('family', FLOORS)
def test_no_more_scenes_are_wrong_than_were(scenes, family):
    from measuring.association_runs import runs

    found = scenes.judge(runs({}, old=False)['without looks'], [family], every=7)
    number, most = FLOORS[family]
    assert found[family]['scenes'] == number and found[family]['wrong'] <= most


def test_what_is_alone_and_fast_is_followed_where_that_is_asked_for(scenes):
    from measuring.association_runs import runs

    tracker = runs(dict(sole=3.5), old=False)['without looks']
    assert scenes.judge(tracker, ['fast'], every=7)['fast']['wrong'] == 0


def test_every_family_has_a_floor_and_is_named(scenes):
    import association_scenes

    assert [*FLOORS] == [*scenes.FAMILIES] == [*association_scenes.FAMILIES]


def test_faults_are_ids_that_are_lost_or_taken(scenes):
    scene, mask = scenes.Scene('two'), scenes.ellipse(50, 50, 20, 20)
    for _ in range(4):
        scene.add((mask, 0, 0.9, 0), (mask, 1, 0.8, 0), (mask, -1, 0.7, 0))
    right = [np.array([4, 5, 5])] * 4
    assert scenes.faults(scene, right) == dict(lost=0, taken=0)
    # A new one, and its old one again; none at all; the other's.
    new = [[4, 5, -1], [6, 5, -1], [4, 5, -1], [4, 5, -1]]
    assert scenes.faults(scene, np.array(new)) == dict(lost=2, taken=0)
    none = [[4, 5, -1], [-1, 5, -1], [4, -1, -1], [4, 5, -1]]
    assert scenes.faults(scene, np.array(none)) == dict(lost=4, taken=0)
    swap = [[4, 5, -1], [5, 4, -1], [5, 4, -1], [5, 4, -1]]
    assert scenes.faults(scene, np.array(swap)) == dict(lost=2, taken=2)


def test_the_tool_says_what_a_setting_breaks(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(TOOLS))
    import association_scenes

    wrong = []
    for given in ([], ['--set', 'gate=0.5']):
        association_scenes.main(['quick', '--every', '4', '--no-old', *given])
        name, family, *counts = capsys.readouterr().out.split()
        assert (name, family, counts[:2]) == ('MaskTracker', 'quick', ['9', 'scenes,'])
        wrong.append(int(counts[2]))
    assert wrong[0] == 0 < wrong[1]
    with pytest.raises(SystemExit):
        association_scenes.main(['postings'])
    assert 'no family is called postings' in capsys.readouterr().err
