"""TrackMemory against a dictionary that does the same one track at a time."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmvis.models.trackers.track_memory import TrackMemory


@settings(max_examples=60, deadline=None)
@given(
    frames=st.lists(st.sets(st.integers(0, 6)), min_size=1, max_size=12),
    retain=st.integers(1, 4),
)
def test_equals_a_dictionary(frames, retain):
    memory, plain = TrackMemory(retain), {}
    for frame_id, ids in enumerate(frames):
        memory.retire(frame_id)
        plain = {k: v for k, v in plain.items() if frame_id - v[0] <= retain}
        # Descending, so that the order of detections is not that of the ids.
        order = sorted(ids, reverse=True)
        values = torch.tensor([[100.0 * frame_id + i] for i in order]).reshape(-1, 1)
        memory.update(torch.tensor(order, dtype=torch.long), frame_id, value=values)
        plain.update({i: (frame_id, 100.0 * frame_id + i) for i in order})
        assert len(memory) == len(plain)
        if plain:
            assert memory.ids.tolist() == sorted(plain)
            assert memory.last_seen.tolist() == [plain[i][0] for i in sorted(plain)]
            assert memory['value'][:, 0].tolist() == [
                plain[i][1] for i in sorted(plain)
            ]


def test_ids_are_never_given_twice():
    memory = TrackMemory(1)
    like = torch.zeros(1)
    given_out = [*memory.new_ids(3, like), *memory.new_ids(0, like)]
    given_out += [*memory.new_ids(2, like)]
    assert [int(i) for i in given_out] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize('seen_before', [False, True])
def test_an_error_takes_everything_back(seen_before):
    memory, like = TrackMemory(5), torch.zeros(2)
    if seen_before:
        memory.update(memory.new_ids(2, like), 0, value=torch.tensor([1.0, 2.0]))
    before = memory.next_id, len(memory), memory.fields

    def change():
        memory.update(memory.new_ids(2, like), 1, value=torch.tensor([3.0, 4.0]))
        memory.overwrite(value=torch.zeros(len(memory)))

    with pytest.raises(KeyboardInterrupt), memory.all_or_nothing():
        change()
        raise KeyboardInterrupt
    assert (memory.next_id, len(memory)) == before[:2]
    assert {k: v.tolist() for k, v in memory.fields.items()} == {
        k: v.tolist() for k, v in before[2].items()
    }
    with memory.all_or_nothing():
        change()
    assert memory.ids.tolist() == list(range(2 * seen_before + 2))
    assert not memory['value'].any()


def test_rows_do_not_grow_with_the_length_of_the_video():
    memory = TrackMemory(5)
    rows = []
    for frame_id in range(200):
        memory.retire(frame_id)
        ids = memory.new_ids(4, torch.zeros(1))
        memory.update(ids, frame_id, value=torch.zeros(4, 8))
        rows.append(len(memory))
    assert max(rows) == rows[20] == 4 * 6


def test_refuses_to_retain_nothing():
    with pytest.raises(ValueError, match='num_frames_retain'):
        TrackMemory(0)


def test_frames_of_another_size():
    memory = TrackMemory(None)
    memory.rescale(2.0, 0.5)  # nothing is remembered
    fields = dict(
        bboxes=torch.tensor([[1.0, 2, 3, 4]]),
        centers=torch.tensor([[5.0, 6]]),
        scores=torch.tensor([0.5]),
        masks=torch.ones(1, 2, 2),
    )
    memory.update(torch.tensor([0]), 0, **fields)
    memory.rescale(2.0, 0.5)
    assert memory['bboxes'].tolist() == [[2, 1, 6, 2]]
    assert memory['centers'].tolist() == [[10, 3]]
    assert memory['scores'].tolist() == [0.5] and not memory['masks'].any()
    assert fields['bboxes'].tolist() == [[1, 2, 3, 4]]
