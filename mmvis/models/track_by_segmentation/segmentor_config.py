"""Configs and weights of mmdet's instance segmentors, as parts of a video model's."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from pathlib import Path

import mmdet
from mmdet.models import DetDataPreprocessor, TrackDataPreprocessor
from mmengine.config import Config, ConfigDict

SCOPE = 'mmdet::'
# What clips have as well. Not so LSJ's fixed size and RTMDet's random sizes of batches
# of images in training, and what BoxInst makes of colours.
_OF_CLIPS = {
    key
    for preprocessor in (TrackDataPreprocessor, DetDataPreprocessor)
    for key in inspect.signature(preprocessor).parameters
} - {'batch_augments'}
# Of all feature pyramids of five levels but RTMDet's, whose images have one fixed size.
_PAD_SIZE_DIVISOR = 32


def segmentor_config(detector: Mapping) -> ConfigDict:
    """A detector's settings; ``config`` in them is replaced by what that file says.

    Args:
        detector (Mapping): Of a detector of mmdet. With ``config``, an address such as
            ``'mmdet::solov2/solov2_r50_fpn_1x_coco.py'`` or a file, all other keys are
            merged over that config's model, as a config is merged over its base.

    Returns:
        ConfigDict: A copy.

    Raises:
        FileNotFoundError: There is no such config.
        ValueError: The config has no model.
    """
    settings = ConfigDict(copy.deepcopy(dict(detector)))
    name = settings.pop('config', None)
    if name is None:
        return settings
    # Not mmengine's get_config, which reads all of mmdet's metafiles first.
    own = Path(mmdet.__file__).parent / '.mim' / 'configs'
    path = own / name.removeprefix(SCOPE) if name.startswith(SCOPE) else Path(name)
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no config '{name}' (model.detector.config): give a file, or "
            f"'{SCOPE}<folder>/<name>.py' of those that come with mmdet."
        )
    config = Config.fromfile(path)
    if 'model' not in config:
        raise ValueError(f"The config '{name}' has no model to take the detector of.")
    merged = Config(dict(model=config.model))
    merged.merge_from_dict(dict(model=settings))
    merged.model.pop('_scope_', None)
    return merged.model


def clip_preprocessor(detector_preprocessor: Mapping | None) -> dict | None:
    """Settings of TrackDataPreprocessor that do to clips what those do to images."""
    if detector_preprocessor is None:
        return None
    kept = {k: v for k, v in detector_preprocessor.items() if k in _OF_CLIPS}
    kept.setdefault('pad_size_divisor', _PAD_SIZE_DIVISOR)
    return dict(kept, type='TrackDataPreprocessor')


def take_detector_weights(state_dict: dict, prefix: str, *args) -> None:
    """Rename the weights of a plain detector to those of a model's detector.

    Args:
        state_dict (dict): Changed in place, if nothing in it is of a model's detector.
            A video Mask2Former of mmdet calls its head a track head; its parameters are
            those of an image's.
        prefix (str): Of the model's own names.
        *args: What else torch gives its hooks.
    """
    own = f'{prefix}detector.'
    if not any(name.startswith(own) for name in state_dict):
        for name in [name for name in state_dict if name.startswith(prefix)]:
            plain = name[len(prefix) :].replace('track_head.', 'panoptic_head.', 1)
            state_dict[own + plain] = state_dict.pop(name)
