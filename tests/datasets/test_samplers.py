"""Order, balance and completeness of the samplers, on one rank and on several."""

import itertools
from collections import Counter

import pytest
import torch.distributed as dist
from data_factory import make_vis_dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from processes import run_ranks
from torch.utils.data import DataLoader

import mmvis.datasets.samplers as samplers
from mmvis.datasets import (
    ClipSampler,
    InfiniteKeyFrameSampler,
    KeyFrameSampler,
    VISConcatDataset,
)
from mmvis.datasets.samplers import deal_videos
from mmvis.registry import DATASETS


def keep(results):
    return results


class Videos:
    """As much of a dataset as a sampler looks at."""

    def __init__(self, lengths, test_mode=False, key_frames=None):
        self.lengths, self.test_mode = lengths, test_mode
        self.key_frames = key_frames or [list(range(n)) for n in lengths]

    def __len__(self):
        return len(self.lengths)

    def get_len_per_video(self, index):
        return self.lengths[index]

    def get_key_frames(self, index):
        return self.key_frames[index]


def on_ranks(monkeypatch, make, world_size):
    """The sampler of every rank."""
    made = []
    for rank in range(world_size):
        monkeypatch.setattr(samplers, 'get_dist_info', lambda r=rank: (r, world_size))
        made.append(make())
    return made


def test_clips_of_one_process(monkeypatch):
    sampler = ClipSampler(Videos([3, 8, 1], test_mode=True), clip_length=3)
    clips = [(0, 0, 3), (1, 0, 3), (1, 3, 6), (1, 6, 8), (2, 0, 1)]
    assert list(sampler) == list(sampler) == clips and len(sampler) == 5


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(1, 50), max_size=30),
    ranks=st.integers(1, 5),
    clip_length=st.integers(1, 9),
)
def test_ranks_share_all_frames_once_and_in_order(lengths, ranks, clip_length):
    with pytest.MonkeyPatch.context() as patch:
        videos = Videos(lengths, test_mode=True)
        made = on_ranks(patch, lambda: ClipSampler(videos, clip_length), ranks)
    seen: list = []
    for sampler in made:
        assert len(sampler) == len(list(sampler))
        position: dict[int, int] = {}
        last = -1
        for video, start, stop in sampler:
            assert video >= last and stop - start <= clip_length
            assert start == position.get(video, 0)
            position[video], last = stop, video
        assert all(position[video] == lengths[video] for video in position)
        seen += position
    assert sorted(seen) == list(range(len(lengths)))  # each video on one rank


@settings(deadline=None)
@given(lengths=st.lists(st.integers(1, 100), min_size=1), ranks=st.integers(1, 6))
def test_no_rank_is_ahead_by_more_than_its_shortest_video(lengths, ranks):
    shares = deal_videos(lengths, ranks)
    loads = [sum(lengths[v] for v in share) for share in shares]
    for share, load in zip(shares, loads, strict=True):
        if share:
            assert load - min(lengths[v] for v in share) <= min(loads)


@pytest.mark.parametrize('ranks', [1, 2, 3])
def test_each_key_frame_once_an_epoch(monkeypatch, ranks):
    key_frames = [[1, 3], [], [0, 1, 2], [4, 5]]
    videos = Videos([5, 2, 3, 6], key_frames=key_frames)
    expected = Counter((v, f) for v, fs in enumerate(key_frames) for f in fs)
    made = on_ranks(monkeypatch, lambda: KeyFrameSampler(videos, seed=3), ranks)
    orders = []
    for epoch in range(4):
        for sampler in made:
            sampler.set_epoch(epoch)
        per_rank = [list(sampler) for sampler in made]
        assert {len(order) for order in per_rank} == {len(made[0])} == {-(-7 // ranks)}
        drawn = [per_rank[i % ranks][i // ranks] for i in range(len(made[0]) * ranks)]
        assert Counter(drawn[:7]) == expected  # the rest fills up
        assert drawn[7:] == drawn[: len(drawn) - 7]
        orders.append(drawn)
    assert len({tuple(order) for order in orders}) == 4
    again = on_ranks(monkeypatch, lambda: KeyFrameSampler(videos, seed=3), ranks)[0]
    assert list(again) == orders[0][::ranks]


def test_more_ranks_than_key_frames(monkeypatch):
    made = on_ranks(monkeypatch, lambda: KeyFrameSampler(Videos([2]), seed=0), 5)
    drawn = [list(sampler) for sampler in made]
    assert all(len(order) == 1 for order in drawn)
    assert {order[0] for order in drawn} == {(0, 0), (0, 1)}


def test_without_shuffling_the_order_is_the_files():
    sampler = KeyFrameSampler(Videos([2, 1]), shuffle=False, seed=0)
    assert list(sampler) == [(0, 0), (0, 1), (1, 0)]


def test_frames_per_video_balances_videos():
    sampler = KeyFrameSampler(Videos([40, 2, 30]), frames_per_video=3, seed=0)
    chosen = Counter()
    for epoch in range(60):
        sampler.set_epoch(epoch)
        drawn = list(sampler)
        assert len(drawn) == len(set(drawn)) == len(sampler) == 8
        assert Counter(video for video, _ in drawn) == {0: 3, 1: 2, 2: 3}
        chosen.update(frame for video, frame in drawn if video == 2)
    assert len(chosen) == 30  # every frame has its turn
    assert max(chosen.values()) < 20  # of 60 epochs; 6 are expected


@pytest.mark.parametrize('ranks', [1, 2, 5])
def test_infinite_sampling_goes_through_whole_epochs(monkeypatch, ranks):
    made = on_ranks(
        monkeypatch, lambda: InfiniteKeyFrameSampler(Videos([3, 4]), seed=1), ranks
    )
    iterators = [iter(sampler) for sampler in made]
    stream = [next(iterators[i % ranks]) for i in range(7 * 6)]
    for epoch in range(6):
        part = stream[7 * epoch : 7 * epoch + 7]
        assert len(set(part)) == 7, f'epoch {epoch}'


def test_errors_say_what_to_do():
    with pytest.raises(ValueError, match='test_mode=True'):
        ClipSampler(Videos([3]))
    with pytest.raises(ValueError, match='ClipSampler'):
        KeyFrameSampler(Videos([3], test_mode=True), seed=0)
    with pytest.raises(ValueError, match='no key frame'):
        KeyFrameSampler(Videos([3], key_frames=[[]]), seed=0)
    with pytest.raises(ValueError, match='no key frame'):
        KeyFrameSampler(Videos([]), seed=0)
    with pytest.raises(ValueError, match='clip_length'):
        ClipSampler(Videos([3], test_mode=True), clip_length=0)


def test_runner_builds_loaders_with_these_samplers(tmp_path):
    vis_set = make_vis_dataset(tmp_path)
    with DefaultScope.overwrite_default_scope('mmvis'):
        loaders = [
            Runner.build_dataloader(
                dict(
                    batch_size=1,
                    num_workers=0,
                    sampler=sampler,
                    dataset=vis_set.dataset_cfg(test_mode=test_mode, pipeline=[keep]),
                    collate_fn=dict(type='pseudo_collate'),
                ),
                seed=5,
            )
            for sampler, test_mode in (
                (dict(type='ClipSampler', clip_length=2), True),
                (dict(type='KeyFrameSampler', frames_per_video=1), False),
            )
        ]
    frames = [[int(f[0]) for f in clip['frame_id']] for clip in loaders[0]]
    assert frames == [[0, 1], [2, 3], [0, 1], [2]]
    assert len(list(loaders[1])) == 2


def test_concatenated_sets_are_sampled(tmp_path):
    for name in ('a', 'b'):
        (tmp_path / name).mkdir()
    first = make_vis_dataset(tmp_path / 'a', lengths=(2, 1))
    second = make_vis_dataset(tmp_path / 'b', lengths=(3,), nulls={1: [0], 2: [0]})
    sets = [first.dataset_cfg(pipeline=[keep]), second.dataset_cfg(pipeline=[keep])]
    both = VISConcatDataset(sets)
    drawn = list(KeyFrameSampler(both, seed=0))
    assert sorted(drawn) == [(0, 0), (0, 1), (1, 0), (2, 1), (2, 2)]
    for video, frame in drawn:
        item = both[video, frame]
        assert item['key_frame_id'] == frame
        assert item['images'][0]['img_path'].startswith(
            str(tmp_path / ('b' if video == 2 else 'a'))
        )


def _read_share(rank: int, cfg: dict) -> tuple[int, list[tuple[int, int]]]:
    dataset = DATASETS.build(cfg | dict(pipeline=[keep]))
    sampler = ClipSampler(dataset, clip_length=2)
    loader = DataLoader(
        dataset, 1, sampler=sampler, num_workers=1, collate_fn=pseudo_collate
    )
    clips = [(int(c['video_id'][0][0]), int(c['frame_id'][0][0])) for c in loader]
    dist.barrier()
    return len(loader), clips


def test_an_empty_rank_does_not_hang(tmp_path):
    vis_set = make_vis_dataset(tmp_path, lengths=(3,))
    cfg = vis_set.dataset_cfg(test_mode=True)
    shares = run_ranks(_read_share, cfg, folder=tmp_path)
    assert shares == [(2, [(1, 0), (1, 2)]), (0, [])]


@pytest.mark.parametrize('kind', [KeyFrameSampler, InfiniteKeyFrameSampler])
@pytest.mark.parametrize('ranks', [1, 3])
def test_skipping_gives_what_would_have_come(monkeypatch, kind, ranks):
    def make():
        return kind(Videos([3, 4, 1]), frames_per_video=2, seed=5)

    for whole, later in zip(
        on_ranks(monkeypatch, make, ranks),
        on_ranks(monkeypatch, make, ranks),
        strict=True,
    ):
        endless = kind is InfiniteKeyFrameSampler
        expected = list(itertools.islice(whole, 40))
        for count in (0, 1, 23) if endless else (0, 1):
            later.skip(count)
            found = list(itertools.islice(later, 40 - count))
            assert found == expected[count:]
            words = [index.words for index in found]
            assert words == [index.words for index in expected[count:]]
    # Nothing is gone through on the way: this would take for ever.
    if endless:
        later.skip(10**15)
        assert next(iter(later)).words[1] == (10**15 * ranks + ranks - 1) // 5


def test_ranks_together_draw_what_one_does(monkeypatch):
    """The same key frames, from the same numbers, in every batch of all ranks."""

    def make():
        return InfiniteKeyFrameSampler(Videos([3, 4, 2]), seed=5)

    def batches(samplers, size):
        streams = [iter(sampler) for sampler in samplers]
        return [
            sorted(
                (index, index.words)
                for stream in streams
                for index in itertools.islice(stream, size)
            )
            for _ in range(6)
        ]

    one = batches(on_ranks(monkeypatch, make, 1), 6)
    assert batches(on_ranks(monkeypatch, make, 2), 3) == one
    assert batches(on_ranks(monkeypatch, make, 3), 2) == one
