"""Masks pasted into a coarse grid, against mmdet's pasting by sampling."""

import torch
from mmdet.models.roi_heads.mask_heads.fcn_mask_head import _do_paste_mask

from mmvis.models.common.mask_pasting import masks_in_frame, paste_masks


def random_case(count=7, stride=4, size=(24, 40), seed=0):
    generator = torch.Generator().manual_seed(seed)
    masks = torch.rand(count, 28, 28, generator=generator)
    corner = torch.rand(count, 2, generator=generator)
    corner = corner * torch.tensor([size[1], size[0]]) * stride * 0.8 - 10
    sides = torch.rand(count, 2, generator=generator) * 60 + 3
    return masks, torch.cat([corner, corner + sides], dim=1), size, stride


def test_equals_sampling():
    masks, bboxes, size, stride = random_case()
    wanted, _ = _do_paste_mask(masks[:, None], bboxes / stride, *size, skip_empty=False)
    pasted = paste_masks(masks, bboxes, size, (stride, stride))
    torch.testing.assert_close(pasted, wanted, atol=1e-5, rtol=1e-4)
    assert (pasted > 0.5).any()


def test_a_full_mask_covers_its_box():
    bboxes = torch.tensor([[8.0, 4, 24, 20]])
    pasted = paste_masks(torch.ones(1, 28, 28), bboxes, (8, 10), (4, 4))
    wanted = torch.zeros(1, 8, 10)
    wanted[:, 1:5, 2:6] = 1
    assert torch.equal((pasted > 0.5).float(), wanted)
    assert pasted[:, 1:5, 2:6].min() == 1


def test_boxes_without_extent_and_far_outside():
    bboxes = torch.tensor([[5.0, 5, 5, 5], [6.0, 6, 6, 6], [1e6, 1e6, 2e6, 2e6]])
    pasted = paste_masks(torch.ones(3, 28, 28), bboxes, (8, 10), (4, 4))
    assert pasted.isfinite().all()
    assert (pasted > 0).sum() <= 2


def test_no_masks_and_half_precision():
    nothing = paste_masks(torch.zeros(0, 28, 28), torch.zeros(0, 4), (8, 10), (4, 4))
    assert nothing.shape == (0, 8, 10)
    masks, bboxes, size, stride = random_case()
    half = paste_masks(masks.bfloat16(), bboxes, size, (stride, stride))
    assert half.dtype == torch.bfloat16
    wanted = paste_masks(masks, bboxes, size, (stride, stride))
    torch.testing.assert_close(half.float(), wanted, atol=2e-2, rtol=0)


def test_masks_of_the_original_frame_are_mmdets():
    """Rows and columns were scaled by different factors."""
    masks, bboxes, _, _ = random_case(size=(96, 160), stride=1)
    metainfo = dict(ori_shape=(144, 200), scale_factor=(0.8, 96 / 144))
    factors = torch.tensor(metainfo['scale_factor']).repeat(2)
    found = masks_in_frame(masks, bboxes, metainfo, 0.4)
    for mask, wanted, box in zip(found, masks, bboxes / factors, strict=True):
        soft, _ = _do_paste_mask(wanted[None, None], box[None], 144, 200, False)
        clear = (soft[0] - 0.4).abs() > 1e-5
        assert torch.equal(mask[clear], (soft[0] >= 0.4)[clear])
        assert (~clear).sum() < 5
    assert found.any() and found.dtype == torch.bool
