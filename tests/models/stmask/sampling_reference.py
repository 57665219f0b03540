"""Where the taps of deformable convolutions read, and what, by torch's grid_sample."""

import torch
from torch.nn.functional import grid_sample


def draw(*shape, scale=1.0, dtype=torch.float64, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(shape, generator=generator, dtype=torch.float64) * scale).to(
        dtype
    )


def places(kernel, height, width):
    """Where the taps of each place read without offsets: (kh, kw, H, W), y and x."""
    kh, kw = kernel
    y = torch.arange(height)[None, None, :, None].double()
    x = torch.arange(width)[None, None, None, :].double()
    y = y + torch.arange(kh)[:, None, None, None] - (kh - 1) // 2
    x = x + torch.arange(kw)[None, :, None, None] - (kw - 1) // 2
    return torch.broadcast_tensors(y, x)


def points(offsets, kernel):
    """Where the taps of each place read: (kh, kw, H, W, 2), y and x, one image."""
    kh, kw = kernel
    height, width = offsets.shape[-2:]
    shifts = offsets[0].view(kh, kw, 2, height, width).unbind(2)
    base = places(kernel, height, width)
    return torch.stack([b + s for b, s in zip(base, shifts, strict=True)], -1)


def sampled_by_grid_sample(features, offsets, kernel):
    """Features at the points of each tap: (B, C, kh, kw, H, W)."""
    height, width = features.shape[-2:]
    size = torch.tensor([height, width], dtype=features.dtype)
    images = []
    for image, offset in zip(features, offsets, strict=True):
        where = points(offset[None], kernel).to(features.dtype)
        # Cell centres to [-1, 1], for maps of one cell too: from the map's borders.
        grid = ((where + 0.5) / size * 2 - 1).flip(-1)
        count = kernel[0] * kernel[1]
        flat = grid.reshape(1, count * height, width, 2)
        read = grid_sample(image[None], flat, align_corners=False)
        images.append(read.view(-1, *kernel, height, width))
    return torch.stack(images)


def convolved_by_grid_sample(features, offsets, weight):
    sampled = sampled_by_grid_sample(features, offsets, tuple(weight.shape[-2:]))
    return torch.einsum('bcklhw,ockl->bohw', sampled, weight)
