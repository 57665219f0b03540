"""Weights of the released STMask and of Yolact++ under the names of this package.

Which network a file holds is read off its names and shapes. From that follows the whole
list of its names, and with it what is missing and what is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from mmvis.engine.checkpoint import CheckpointError

from .names import tensor_names
from .network import ReleasedNetwork, describe, first_of


def convert_state_dict(
    official: Mapping[str, Tensor], source: str = 'The checkpoint'
) -> tuple[dict[str, Tensor], ReleasedNetwork]:
    """Rename the weights of a released network.

    The background is the first of the released class logits and the last here. Weights
    of Yolact++ start an STMask: backbone, pyramid, prototypes and the head's first
    convolution, as in the released training.

    Args:
        official (Mapping[str, Tensor]): A released state dict.
        source (str): What a message calls it.

    Returns:
        tuple: The state dict of ``STMask`` and what was read off the official one.

    Raises:
        CheckpointError: A name is missing, or one is not known.
    """
    network = describe(official, source)
    names = tensor_names(network)
    # Old files lack the counters of batch norm.
    missing = [
        name
        for name in names
        if name not in official and not name.endswith('.num_batches_tracked')
    ]
    unknown = sorted(set(official) - set(names) - set(network.left_out))
    if missing or unknown:
        faults = [
            f'{what} {first_of(found)} ({len(found)} in all)'
            for what, found in (('lacks', missing), ('has the unknown', unknown))
            if found
        ]
        raise CheckpointError(
            f'{source} looks like {network}, but {" and ".join(faults)}.'
        )
    state = {}
    for name in filter(official.__contains__, names):
        tensor, own_name = official[name], names[name]
        if re.match(r'bbox_head\.cls_preds\.\d+\.conv\.', own_name):
            tensor = tensor.roll(-1, dims=0)
        state[own_name] = tensor
    return state, network
