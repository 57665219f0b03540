"""Units and edges of InstanceFlow's maps: scales, padding, and the foreground."""

import pytest
import torch
from model_configs import build
from model_factory import clip_sample, tiny_config

from mmvis.models.instance_flow.inter_frame_head import InterFrameFeatures
from mmvis.models.instance_flow.reference_frames import ReferenceFrame
from mmvis.models.instance_flow.video_state import InstanceFlowFeatures

PADDED, STRIDE = (96, 160), 4
ROWS, COLUMNS = PADDED[0] // STRIDE, PADDED[1] // STRIDE
SCALES = [(1.0,), (0.5,), (0.5, 0.75, 1.0), (1.25,)]


def make():
    return build(tiny_config('tiny/instance_flow_tiny_synthvis.py').model).eval()


class PointingHead(torch.nn.Module):
    """Offsets to one place of the input, whatever its scale, and a constant heatmap."""

    def __init__(self, place):
        super().__init__()
        self.place = place  # in shares of the input

    def forward(self, feats):
        batch, _, rows, columns = feats[0].shape
        y, x = torch.meshgrid(
            *(torch.arange(n) + 0.5 for n in (rows, columns)), indexing='ij'
        )
        x = (self.place[0] * columns - x) * STRIDE
        y = (self.place[1] * rows - y) * STRIDE
        offsets = torch.stack([x, y]).expand(batch, -1, -1, -1)
        return torch.full((batch, 1, rows, columns), 0.5), offsets


@pytest.mark.parametrize('scales', SCALES)
def test_all_scales_speak_of_pixels_of_the_input(scales):
    net = make()
    net.test_cfg.scales = scales
    head = net.intra_frame_head = PointingHead((0.3, 0.6))
    with torch.no_grad():
        feats = net.extract_test_feat(torch.randn(2, 3, *PADDED))
    expected = head((torch.zeros(2, 1, ROWS, COLUMNS),))[1]
    torch.testing.assert_close(
        # A coarse map has no more than half a pixel of its own at the border.
        feats.intra[..., 1:-1, 1:-1],
        expected[..., 1:-1, 1:-1],
        atol=1e-3,
        rtol=0,
    )
    torch.testing.assert_close(feats.semantic.sum(1), torch.ones(2, ROWS, COLUMNS))
    assert feats.heatmap.shape == (2, 1, ROWS, COLUMNS)


@pytest.mark.parametrize('unit', [16.0, None])
def test_offsets_to_references_are_in_pixels_of_the_input(unit, monkeypatch):
    """But an affinity field has the same unit vectors at all scales."""
    cfg = tiny_config('tiny/instance_flow_tiny_synthvis.py').model
    cfg.inter_frame_head.offset_unit = unit
    net = build(cfg).eval()

    def one_map_pixel(target, references):
        """To the right and below, and more of it in the second reference frame."""
        step = 1.0 if unit is None else STRIDE
        factor = step * references[0].mean((1, 2, 3)).view(-1, 1, 1, 1)
        return factor * torch.ones(len(factor), 2, *target.skips[1].shape[-2:])

    monkeypatch.setattr(net.inter_frame_head, 'forward', one_map_pixel)
    inter, kept = [], [[], []]
    for rows, columns in ((ROWS, COLUMNS), (ROWS // 2, COLUMNS // 4)):
        blank = torch.zeros(1, 1, rows, columns)
        inter.append(InterFrameFeatures(blank, (blank, blank), (blank,), (blank,)))
        for number, features in enumerate(kept, 1):
            features.append((blank + number,))
    references = [ReferenceFrame(i, None, None, tuple(f)) for i, f in enumerate(kept)]
    fields = net.inter_fields(tuple(inter), references, (ROWS, COLUMNS))
    # The mean of 1 and 4, and of 1 and 2 pixels of the larger map.
    wanted = torch.tensor([1.0, 1.0]) if unit is None else torch.tensor([10.0, 6.0])
    for number, field in enumerate(fields, 1):
        torch.testing.assert_close(
            field, number * wanted[:, None, None].expand_as(field)
        )


def made_up(background):
    """Maps of a frame with one peak, which everything points to."""
    semantic = torch.full((9, ROWS, COLUMNS), 0.05)
    semantic[-1] = background
    offsets = torch.zeros(2, ROWS, COLUMNS)
    heatmap = torch.zeros(ROWS, COLUMNS)
    heatmap[5, 10] = 1.0
    return InstanceFlowFeatures(semantic[None], heatmap[None, None], offsets[None], ())


def test_foreground_is_where_the_background_is_below_a_half_without_padding():
    background = torch.full((ROWS, COLUMNS), 0.49)
    background[:, :3] = 0.51
    # Of the last row and column a half and a quarter are padding.
    _, target = make().assemble(made_up(background), (78, 121))
    expected = torch.zeros(ROWS, COLUMNS, dtype=torch.bool)
    expected[:20, 3:31] = True
    assert torch.equal(target.id_map > 0, expected)


def test_a_centre_in_a_pixel_that_is_mostly_padding_is_none_the_less_one():
    net, feats = make(), made_up(torch.zeros(ROWS, COLUMNS))
    net.inter_frame_head = None
    sample = clip_sample(1, ori_shape=(42, 82), img_shape=(21, 41))
    sample[0].set_metainfo(dict(batch_input_shape=PADDED))
    result = net.predict_frame(feats, sample[0].metainfo, net.init_state())
    assert result.bboxes.tolist() == [[0, 0, 82, 42]]
    assert result.masks.all()
