"""Tracks of what moves in a clip; jumps are counted."""

import cv2
import numpy as np
import pytest
from time_tables import TOOLS


def test_a_square_that_moves_is_one_track_and_jumps_are_counted(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.syspath_prepend(str(TOOLS))
    import association_on_clip
    from measuring.moving_masks import Tracks

    folder = tmp_path / 'clip'
    folder.mkdir()
    rng = np.random.default_rng(0)
    ground = rng.integers(60, 90, (120, 200, 3)).astype(np.uint8)
    for t in range(34):
        image = ground.copy()
        if t >= 20:
            image[40:80, 4 * (t - 18) : 4 * (t - 18) + 40] = (20, 30, 230)
        cv2.imwrite(str(folder / f'{t}.png'), image)
    association_on_clip.main([str(folder), '--stop', '12'])
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 4 and '1 ids of 12 frames' in said[0]
    assert '0 teleports' in said[0]

    tracks, mask = Tracks(), np.zeros((1, 50, 300), bool)
    for t, left in enumerate((0, 15, 100, 105)):
        mask[:] = False
        mask[0, 10:30, left : left + 20] = True
        tracks.add(t, mask, np.array([3]))
    tracks.add(4, mask, np.array([-1]))
    assert (tracks.masks, tracks.reported, tracks.teleports) == (5, 4, 1)
    assert tracks.farthest == pytest.approx(85)
