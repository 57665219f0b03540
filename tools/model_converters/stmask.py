"""Convert a checkpoint of the released STMask, or one of Yolact++ to start from.

python tools/model_converters/stmask.py STMask_plus_base_ada.pth \\
    --out checkpoints/stmask_official_r101_ada.pth \\
    --config configs/stmask_official/stmask_official_r101_ada.py

Depth, deformable blocks, calibration and classes are read off the file itself. Without
--config the one that fits is only named; with it, the weights are compared with the
config's model name by name and shape by shape. Of a Yolact++ checkpoint, what does not
fit that model is left out, and named.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mmvis.engine.checkpoint_files import find_checkpoint
from mmvis.engine.errors import CheckpointError
from mmvis.version import __version__

if TYPE_CHECKING:
    from torch import Tensor

    from mmvis.models.stmask.release.network import ReleasedNetwork


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', help='official .pth file')
    parser.add_argument('--out', required=True, help='checkpoint to write')
    parser.add_argument('--config', help='config whose model the weights must fit')
    return parser.parse_args(argv)


def fit(
    state: dict[str, Tensor], network: ReleasedNetwork, config: str, source: str
) -> tuple[dict[str, Tensor], list[str]]:
    """Compare with the model of a config.

    Returns:
        tuple: The weights that the model takes, and the names of those that it does
        not, of which only Yolact++ may have some.

    Raises:
        CheckpointError: A released STMask is not the network of the config.
    """
    from mmengine.config import Config
    from mmengine.registry import init_default_scope

    from mmvis.registry import MODELS

    cfg = Config.fromfile(config)
    init_default_scope('mmvis')
    head = cfg.model.get('bbox_head', {})
    released = network.family == 'STMask'
    if released and head.get('num_classes') != network.num_classes:
        raise CheckpointError(
            f'{source} has {network.num_classes} classes, but the model of {config} '
            f'has {head.get("num_classes")}: set model.bbox_head.num_classes='
            f'{network.num_classes} there, or take the checkpoint of that dataset.'
        )
    expected = MODELS.build(cfg.model).state_dict()
    fitting = {
        name: tensor
        for name, tensor in state.items()
        if name in expected and expected[name].shape == tensor.shape
    }
    others = [name for name in state if name not in fitting]
    missing = [
        name
        for name in expected
        if name not in fitting and not name.endswith('.num_batches_tracked')
    ]
    if released and (others or missing):
        first = ', '.join([*others, *missing][:5])
        raise CheckpointError(
            f'{source} is {network}, which is not the model of {config}: '
            f'{len(others)} of its tensors do not fit and {len(missing)} of the '
            f'model get none ({first}, ...). It should fit {suggestion(network)}.'
        )
    return fitting, others


def suggestion(network: ReleasedNetwork) -> str:
    """The config of the network, with the keys to change."""
    options = [
        f'{key}={value}'.replace(' ', '')
        for key, value in network.config_options.items()
    ]
    changes = f' with {" ".join(options)}' if options else ''
    return f'configs/{network.config}{changes}'


def report(network: ReleasedNetwork, names: list[str], others: list[str]) -> list[str]:
    """What was read, what became of it, and what it is for."""
    lines = [f'read {network}', f'{len(names)} tensors renamed']
    if network.family == 'STMask':
        lines.append('class logits: the background is the last now')
        lines.append(f'fits {suggestion(network)}')
    else:
        lines.append('an initialisation: set load_from to it')
    if network.left_out:
        parts = sorted({name.rsplit('.', 1)[0] for name in network.left_out})
        lines.append(f'left out, no place for it: {", ".join(parts)}')
    if others:
        lines.append(f'left out, not in the model: {", ".join(others)}')
    return lines


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    source = Path(args.source).name
    try:
        find_checkpoint(args.source)
        if args.config and not os.path.isfile(args.config):
            raise FileNotFoundError(
                f'The config {args.config} does not exist (looked for it from '
                f'{os.getcwd()}).'
            )
        # What takes seconds to import comes after what is quick to find out.
        import torch

        from mmvis.engine.checkpoint import load_from_local
        from mmvis.models.stmask.release.checkpoint import convert_state_dict

        official = load_from_local(args.source, map_location='cpu')
        if isinstance(official, dict):
            # What a later training saved stands beside its optimizer and the like.
            official = official.get('state_dict', official)
        if not isinstance(official, dict) or not all(
            isinstance(value, torch.Tensor) for value in official.values()
        ):
            raise CheckpointError(
                f'{source} is neither a state dict of tensors nor a checkpoint with '
                "one as 'state_dict'."
            )
        state, network = convert_state_dict(official, source)
        others: list[str] = []
        if args.config:
            state, others = fit(state, network, args.config, source)
        os.makedirs(Path(args.out).parent, exist_ok=True)
        meta = dict(
            mmvis_version=__version__, converted_from=source, network=str(network)
        )
        torch.save(dict(meta=meta, state_dict=state), args.out)
    except (CheckpointError, OSError) as error:
        print(f'stmask: {error}', file=sys.stderr)
        return 1
    print('\n'.join([*report(network, list(state), others), f'wrote {args.out}']))
    return 0


if __name__ == '__main__':
    sys.exit(main())
