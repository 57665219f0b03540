"""Compiled operators load, and a GPU computes what the CPU does.

Everything is drawn from a fixed seed in float32, and without TF32, so that what differs
is an operator and not a rounding.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from mmvis.dependencies import check_dependencies

from .finding import BAD, NOTE, OK, Finding, guarded

# Sums of a few hundred products in another order.
TOLERANCE = 1e-3

Operator = Callable[..., Tensor]


def look_at_imports() -> Iterator[Finding]:
    """Import what models need."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        check_dependencies()
    import mmcv
    import mmdet
    import mmengine

    versions = [f'{m.__name__} {m.__version__}' for m in (mmengine, mmcv, mmdet)]
    yield Finding(OK, 'operators', f'load ({", ".join(versions)})')
    threads = torch.get_num_threads()
    yield Finding(OK, 'torch', f'{torch.__version__}, {threads} threads')


def look_at_devices() -> Iterator[Finding]:
    """The GPUs, and what they have free."""
    if not torch.cuda.is_available():
        built = torch.version.cuda
        detail = 'none: everything runs on the CPU'
        if built:
            detail += f'. This torch is for CUDA {built}, and finds no GPU or driver'
        yield Finding(NOTE if built else OK, 'GPU', detail)
        return
    for index in range(torch.cuda.device_count()):
        free, whole = torch.cuda.mem_get_info(index)
        major, minor = torch.cuda.get_device_capability(index)
        bfloat16 = 'yes' if torch.cuda.is_bf16_supported() else 'no'
        yield Finding(
            NOTE if free < 2 * 2**30 else OK,
            f'GPU {index}',
            f'{torch.cuda.get_device_name(index)}, capability {major}.{minor}, CUDA '
            f'{torch.version.cuda}, {free / 2**30:.1f} of {whole / 2**30:.1f} GiB '
            f'free, bfloat16 {bfloat16}',
        )


def compare_operators(device: torch.device) -> Iterator[Finding]:
    """Each operator of the models on a device beside the CPU, backward too."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    try:
        for name, (operator, inputs) in _operators().items():
            yield from guarded(name, _compare, name, operator, inputs, device)
        yield from guarded('NMS', _compare_nms, device)
        yield from guarded('run lengths', _compare_run_lengths, device)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before[0]
        torch.backends.cudnn.allow_tf32 = before[1]


def _operators() -> dict[str, tuple[Operator, list[Tensor]]]:
    from mmcv.ops import deform_conv2d, modulated_deform_conv2d, roi_align

    random = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=random)

    rois = torch.tensor([[0.0, 1.2, 2.3, 17.7, 11.1], [1.0, 0.4, 0.0, 9.3, 14.9]])
    maps, weight = draw(2, 8, 16, 20), draw(8, 8, 3, 3)
    return {
        'deformable convolution': (
            lambda x, offset, w: deform_conv2d(x, offset, w, 1, 1),
            [maps, draw(2, 18, 16, 20), weight],
        ),
        'modulated deformable': (
            lambda x, offset, mask, w: modulated_deform_conv2d(
                x, offset, mask, w, None, 1, 1, 1, 1, 1
            ),
            [maps, draw(2, 18, 16, 20), draw(2, 9, 16, 20).sigmoid(), weight],
        ),
        'RoIAlign': (lambda x: roi_align(x, rois.to(x.device), (7, 7), 1.0, 2), [maps]),
        'correlation': (correlate, [draw(2, 8, 9, 11), draw(2, 8, 9, 11)]),
    }


def correlate(first: Tensor, second: Tensor) -> Tensor:
    """mmcv's operator on a GPU; it has none for CPUs, where shifted products do it."""
    if first.is_cuda:
        from mmcv.ops import Correlation

        return Correlation(max_displacement=2)(first, second)
    height, width = first.shape[-2:]
    padded = torch.nn.functional.pad(second, (2, 2, 2, 2))
    rows = [
        torch.stack(
            [
                (first * padded[..., i : i + height, j : j + width]).sum(1)
                for j in range(5)
            ],
            1,
        )
        for i in range(5)
    ]
    return torch.stack(rows, 1)


def _compare(
    name: str, operator: Operator, inputs: list[Tensor], device: torch.device
) -> Iterator[Finding]:
    """Outputs and gradients, as a share of the largest of the CPU's."""
    expected = _run(operator, inputs, torch.device('cpu'))
    found = _run(operator, inputs, device)
    worst = 0.0
    for one, other in zip(expected, found, strict=True):
        if one.shape != other.shape:
            yield Finding(BAD, name, f'{tuple(other.shape)}, not {tuple(one.shape)}')
            return
        difference = (one - other).abs().max() / one.abs().max()
        worst = max(worst, float(difference.nan_to_num(torch.inf)))
    detail = f'forward and backward differ from the CPU by at most {worst:.1e}'
    yield Finding(OK if worst < TOLERANCE else BAD, name, detail)


def _run(
    operator: Operator, inputs: list[Tensor], device: torch.device
) -> list[Tensor]:
    leaves = [x.detach().to(device).requires_grad_() for x in inputs]
    output = operator(*leaves)
    weights = torch.arange(output.numel(), device=device) % 7 - 3.0
    (output.flatten() * weights).sum().backward()
    gradients = [leaf.grad for leaf in leaves if leaf.grad is not None]
    return [tensor.detach().cpu() for tensor in (output, *gradients)]


def _compare_nms(device: torch.device) -> Iterator[Finding]:
    from mmcv.ops import nms

    random = torch.Generator().manual_seed(0)
    corners = torch.rand(300, 2, generator=random) * 100
    sizes = torch.rand(300, 2, generator=random) * 40 + 1
    boxes, scores = torch.cat([corners, corners + sizes], 1), torch.rand(300)
    kept = [
        nms(boxes.to(d), scores.to(d), 0.5)[1].cpu().tolist() for d in ('cpu', device)
    ]
    same = kept[0] == kept[1]
    detail = f'keeps {len(kept[1])} of 300 boxes' + ('' if same else ', other ones')
    yield Finding(OK if same else BAD, 'NMS', detail)


def _compare_run_lengths(device: torch.device) -> Iterator[Finding]:
    from mmvis.structures.rle import find_runs
    from mmvis.structures.rle_on_device import find_runs as find_runs_on_device

    random = torch.Generator().manual_seed(0)
    masks = torch.rand(5, 37, 53, generator=random) > 0.5
    masks[3], masks[4] = False, True
    expected = find_runs(masks.numpy())
    found = find_runs_on_device(masks.to(device))
    same = all(map(np.array_equal, expected, found))
    detail = 'equal byte by byte' if same else 'masks are encoded wrongly'
    yield Finding(OK if same else BAD, 'run lengths', detail)
