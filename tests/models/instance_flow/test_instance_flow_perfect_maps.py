"""InstanceFlow with perfect maps of a made-up world finds exactly that world."""

import numpy as np
import pycocotools.mask as mask_util
import pytest
import torch
from mmengine.registry import init_default_scope
from model_factory import clip_sample, tiny_config

from mmvis.models.common.mask_boxes import mask_boxes
from mmvis.models.instance_flow.inter_frame_head import InterFrameFeatures
from mmvis.models.instance_flow.video_state import InstanceFlowFeatures
from mmvis.registry import MODELS

PADDED, CONTENT, ORIGINAL = (96, 160), (80, 144), (160, 288)
FRAMES, STRIDE, CLASSES = 7, 4, 8
ROWS, COLUMNS = PADDED[0] // STRIDE, PADDED[1] // STRIDE
# Label, first frame, last frame, left and top in frame 0, movement, width and height.
OBJECTS = {
    'left twin': (3, 0, 6, (24, 16), (8, 0), (24, 32)),
    'right twin': (3, 0, 6, (48, 16), (8, 0), (24, 32)),
    'below': (5, 0, 6, (8, 56), (4, 0), (40, 16)),
    'late': (1, 3, 6, (116, 52), (-4, 0), (16, 24)),
}
HIDDEN = {('right twin', 2), ('right twin', 3), ('below', 6)}


def box(name, t):
    """xyxy of an object in frame t, or None."""
    _, first, last, (x, y), (dx, dy), (width, height) = OBJECTS[name]
    if not first <= t <= last or (name, t) in HIDDEN:
        return None
    return x + dx * t, y + dy * t, x + dx * t + width, y + dy * t + height


def middle(name, t):
    x1, y1, x2, y2 = box(name, t)
    return torch.tensor([(x1 + x2) / 2, (y1 + y2) / 2])


def maps(t, reference=None):
    """Owners (h, w), and offsets to the centres in a frame, with noise elsewhere."""
    generator = torch.Generator().manual_seed(t)
    owner = np.full((ROWS, COLUMNS), '', object)
    offsets = torch.randn(2, ROWS, COLUMNS, generator=generator) * 50
    reference = t if reference is None else reference
    for name in OBJECTS:
        if box(name, t) is None:
            continue
        for r in range(ROWS):
            for c in range(COLUMNS):
                x, y = (c + 0.5) * STRIDE, (r + 0.5) * STRIDE
                x1, y1, x2, y2 = box(name, t)
                if not (x1 <= x < x2 and y1 <= y < y2):
                    continue
                owner[r, c] = name
                if box(name, reference) is not None:
                    offsets[:, r, c] = middle(name, reference) - torch.tensor([x, y])
    return owner, offsets


def features(t):
    """What a perfect network would give; frame numbers stand for its features."""
    owner, offsets = maps(t)
    semantic = torch.full((CLASSES + 1, ROWS, COLUMNS), 0.01)
    semantic[-1] = 0.92
    heatmap = torch.rand(ROWS, COLUMNS, generator=torch.Generator().manual_seed(t))
    for r, c in zip(*np.nonzero(owner != ''), strict=True):
        label = OBJECTS[owner[r, c]][0]
        semantic[:, r, c] = 0.02
        # The right twin looks like another category in frame 1.
        if (owner[r, c], t) == ('right twin', 1):
            label = 6
        semantic[label, r, c] = 0.84
        away = offsets[:, r, c].norm()
        heatmap[r, c] = 0.9 * torch.exp(-((away / 8) ** 2) / 2)
    # In the padding there may be anything.
    semantic[:, CONTENT[0] // STRIDE :] = 1 / 9
    number = torch.full((1, 1, 1, 1), float(t))
    inter = InterFrameFeatures(number, (number,), (number,), (number, number))
    return InstanceFlowFeatures(
        semantic[None], heatmap[None, None], offsets[None], (inter,)
    )


def perfect_inter(target, references):
    t = int(target.deep)
    return torch.stack([maps(t, int(frame))[1] for frame in references[0]])


@pytest.fixture
def results(monkeypatch):
    init_default_scope('mmvis')
    cfg = tiny_config('tiny/instance_flow_tiny_synthvis.py').model
    cfg.tracker.epsilon = 10.0
    net = MODELS.build(cfg).eval()
    monkeypatch.setattr(net.inter_frame_head, 'forward', perfect_inter)
    sample = clip_sample(FRAMES, ori_shape=ORIGINAL, img_shape=CONTENT)
    state, results = net.init_state(), []
    for t in range(FRAMES):
        sample[t].set_metainfo(dict(batch_input_shape=PADDED))
        results.append(net.predict_frame(features(t), sample[t].metainfo, state))
    return results


def shown(t):
    return [name for name in OBJECTS if box(name, t) is not None]


def row_of(name, t, result):
    """The row whose mask has the object's middle."""
    x, y = (int(side) for side in middle(name, t) * 2)
    (row,) = result.masks[:, y, x].nonzero().flatten().tolist()
    return row


def test_ids_labels_and_scores(results):
    ids = {}
    for t, result in enumerate(results):
        assert len(result) == len(shown(t))
        for name in shown(t):
            row = row_of(name, t, result)
            ids.setdefault(name, int(result.instances_id[row]))
            assert ids[name] == result.instances_id[row], (name, t)
            # Wrong once, but not on the whole.
            once_wrong = (name, t) == ('right twin', 1)
            label = OBJECTS[name][0]
            assert int(result.labels[row]) in ((3, 6) if once_wrong else (label,))
            assert int(result.class_scores[row].argmax()) == (
                6 if once_wrong else label
            )
            if not once_wrong:
                assert 0.84 * 0.7 < float(result.scores[row]) <= 0.84 * 0.9 + 1e-6
    assert len(set(ids.values())) == len(OBJECTS)


def test_masks_and_boxes_at_the_original_size(results):
    for t, result in enumerate(results):
        assert result.masks.shape[1:] == ORIGINAL
        for name in shown(t):
            row = row_of(name, t, result)
            x1, y1, x2, y2 = (2 * side for side in box(name, t))
            expected = torch.zeros(ORIGINAL, dtype=torch.bool)
            expected[y1:y2, x1:x2] = True
            common = (result.masks[row] & expected).sum()
            union = (result.masks[row] | expected).sum()
            # Corners are rounded by the interpolation.
            assert common / union > 0.93
            around = mask_util.toBbox(
                mask_util.encode(np.asfortranarray(result.masks[row].byte().numpy()))
            )
            found = result.bboxes[row]
            np.testing.assert_allclose(found[:2], around[:2])
            np.testing.assert_allclose(found[2:] - found[:2], around[2:])
            np.testing.assert_allclose(found, [x1, y1, x2, y2], atol=2)


def test_boxes_of_masks():
    masks = torch.zeros(3, 5, 7, dtype=torch.bool)
    masks[0, 1, 2] = masks[2, 0, 6] = masks[2, 4, 0] = True
    assert mask_boxes(masks).tolist() == [[2, 1, 3, 2], [0, 0, 0, 0], [0, 0, 7, 5]]
    assert mask_boxes(masks[:0]).shape == (0, 4)
    assert mask_boxes(masks[:, :0]).tolist() == [[0, 0, 0, 0]] * 3
