"""Parts are disjoint, complete, exact in size, and alike in their categories."""

import json
import random
import runpy
from collections import Counter
from pathlib import Path

import pytest
from data_factory import make_vis_dataset

from mmvis.datasets import YouTubeVISDataset
from mmvis.datasets.splitting import part_sizes, split_annotation_file, stratify

GOLDEN = [1, 5, 13, 16, 30, 39, 41, 43, 48, 59]
TOOL = Path(__file__).parents[2] / 'tools' / 'dataset_tools' / 'split.py'


def like_youtube_vis(count=2238, num_categories=40, seed=0):
    """Videos of one to three categories, some of which are twenty times as common."""
    rng = random.Random(seed)
    weights = [1 / (1 + i / 2) for i in range(num_categories)]
    return {
        video: set(
            rng.choices(range(1, num_categories + 1), weights, k=rng.choice([1, 1, 2]))
        )
        for video in range(1, count + 1)
    }


def counts_of(categories, videos):
    return Counter(c for video in videos for c in categories[video])


def test_each_part_has_its_share_of_every_category():
    categories = like_youtube_vis()
    sizes = dict(train=1902, valid=336)
    assigned = stratify(categories, sizes)
    assert set(assigned) == set(categories)
    assert Counter(assigned.values()) == sizes
    whole = counts_of(categories, categories)
    held_out = counts_of(categories, [v for v in assigned if assigned[v] == 'valid'])
    worst = max(abs(held_out[c] - whole[c] * 336 / 2238) for c in whole)
    assert min(whole.values()) < 40 < 400 < max(whole.values())
    assert worst < 1
    # A split at random, for comparison, is off by far more.
    drawn = random.Random(1).sample(sorted(categories), 336)
    at_random = counts_of(categories, drawn)
    assert max(abs(at_random[c] - whole[c] * 336 / 2238) for c in whole) > 5


def test_the_split_is_known_and_the_order_of_the_file_does_not_matter():
    categories = like_youtube_vis(60, 5)
    sizes = dict(a=40, b=20)
    assigned = stratify(categories, sizes)
    backwards = dict(reversed(categories.items()))
    assert stratify(backwards, sizes) == assigned
    assert stratify(categories, sizes, seed=1) != assigned
    # Published numbers refer to a split: it must never change.
    made = stratify(like_youtube_vis(60, 5), dict(a=50, b=10))
    assert sorted(video for video in made if made[video] == 'b') == GOLDEN


def test_rare_categories_are_shared_out_first():
    """Two videos of a category and two equal parts: one in each."""
    categories = {v: {'common'} for v in range(20)}
    for video in (3, 17):
        categories[video] = {'common', 'rare'}
    for seed in range(5):
        assigned = stratify(categories, dict(a=10, b=10), seed)
        assert assigned[3] != assigned[17]


def test_videos_without_objects_are_dealt_as_well():
    categories = {v: set() for v in range(10)}
    assert Counter(stratify(categories, dict(a=7, b=3)).values()) == dict(a=7, b=3)
    assert stratify({}, dict(a=0)) == {}


@pytest.mark.parametrize(
    ('parts', 'total', 'sizes'),
    [
        (dict(a=1902, b=336), 2238, [1902, 336]),
        (dict(a=0.85, b='rest'), 2238, [1902, 336]),
        (dict(a=0.85, b=0.15), 2238, [1902, 336]),
        (dict(a=0.29, b=0.71), 100, [29, 71]),
        (dict(a=0.29, b='rest'), 100, [29, 71]),
        (dict(a=0.5, b=0.5), 5, [3, 2]),
        (dict(a=0.1, b=0.45, c=0.45), 10, [1, 5, 4]),
        (dict(a='rest', b=3), 3, [0, 3]),
    ],
)
def test_sizes(parts, total, sizes):
    assert list(part_sizes(parts, total).values()) == sizes
    assert list(part_sizes(parts, total)) == list(parts)


@pytest.mark.parametrize(
    ('parts', 'message'),
    [
        (dict(a=3, b=3), 'do not add up to the 5 videos'),
        (dict(a=0.5, b=0.4), 'do not add up'),
        (dict(a='rest', b='rest'), 'only one'),
        (dict(a=6, b='rest'), 'do not add up'),
        (dict(a=1.5, b='rest'), 'size of part a is 1.5'),
        (dict(a='half', b='rest'), "size of part a is 'half'"),
        (dict(a=-1, b='rest'), 'size of part a is -1'),
        (dict(a=float('inf'), b='rest'), 'size of part a is inf'),
        (dict(a=float('nan'), b='rest'), 'size of part a is nan'),
    ],
)
def test_sizes_that_do_not_fit(parts, message):
    with pytest.raises(ValueError, match=message):
        part_sizes(parts, 5)


def test_the_files_hold_what_the_whole_holds(tmp_path):
    made = make_vis_dataset(tmp_path, lengths=(4, 3, 5, 2), nulls={2: (1,)})
    split_annotation_file(made.ann_file, dict(a=3, b=1))
    parts = [json.loads((tmp_path / f'{name}.json').read_text()) for name in 'ab']
    assert [len(part['videos']) for part in parts] == [3, 1]
    for key in ('videos', 'annotations'):
        together = sorted((x for p in parts for x in p[key]), key=lambda x: x['id'])
        assert [x['id'] for x in together] == [x['id'] for x in made.content[key]]
    for part in parts:
        assert part['categories'] == made.content['categories']
        ids = {video['id'] for video in part['videos']}
        assert {a['video_id'] for a in part['annotations']} == ids
        wanted = {a['id']: a for a in made.content['annotations']}
        for annotation in part['annotations']:
            whole = wanted[annotation['id']]
            assert annotation['category_id'] == whole['category_id']
            assert annotation['segmentations'] == whole['segmentations']
    dataset = YouTubeVISDataset(
        data_root=str(tmp_path),
        ann_file='b.json',
        data_prefix=dict(img_path=made.prefix),
        pipeline=[],
        test_mode=True,
    )
    assert len(dataset) == 1


def test_files_without_annotations(tmp_path):
    made = make_vis_dataset(tmp_path, lengths=(2, 2, 2), labelled=False)
    written = split_annotation_file(made.ann_file, dict(a=0.5, b='rest'))
    assert [len(part['videos']) for part in written.values()] == [1, 2]
    assert all('annotations' not in part for part in written.values())


def test_the_command(tmp_path, capsys):
    made = make_vis_dataset(tmp_path, lengths=(2, 2, 2))
    main = runpy.run_path(str(TOOL))['main']
    out = tmp_path / 'parts'
    source = str(made.ann_file)
    assert main([source, '--parts', 'a=2', 'b=rest', '--out-dir', str(out)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        'a.json: 2 videos, 4 objects of 2 of 2 categories',
        'b.json: 1 videos, 2 objects of 2 of 2 categories',
    ]
    drawn = set()
    for seed in range(9):
        words = ('--parts', 'a=2', 'b=rest', '--out-dir', tmp_path / 'drawn')
        assert main([source, *map(str, words), '--seed', str(seed)]) == 0
        drawn.add((tmp_path / 'drawn/a.json').read_text())
    assert len(drawn) > 1
    assert (out / 'a.json').is_file()
    assert main([source, '--parts', 'a=2', 'b=2']) == 1
    assert 'do not add up to the 3 videos' in capsys.readouterr().err
    assert main([source, '--parts', 'instances=2', 'b=1']) == 1
    assert 'would be overwritten' in capsys.readouterr().err
    assert main([source, '--parts', 'a=2', 'a=1']) == 1
    assert main([str(tmp_path / 'none.json'), '--parts', 'a=rest']) == 1
    for wrong in ('a', 'a=many', '=3'):
        with pytest.raises(SystemExit):
            main([source, '--parts', wrong])
