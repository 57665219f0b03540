"""Time of a video model's frame by stage, measured by wrapping its parts from outside.

No model has a timer in it: functions and modules of a built model are replaced by
wrappers for as long as a :class:`StageTimes` is open. A stage that is called inside of
another one is not counted twice: the clock of the outer one stands still meanwhile.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

# Where a stage is found: attributes of the model. 'x.forward' of a module is what
# calling it runs. What a model does not have is passed over.
MODEL_PARTS = {
    'backbone': ('backbone.forward', 'detector.backbone.forward'),
    'neck': ('neck.forward', 'detector.neck.forward'),
    'head': (
        'bbox_head.forward',
        'bbox_head.predict_kept',
        'bbox_head.attention_scores',
        'bbox_head.movements',
        'bbox_head.embeddings',
        'detector.rpn_head.forward',
        'detector.roi_head._bbox_forward',
        'detector.roi_head._mask_forward',
        'track_head.extract_roi_feats',
        'track_head.embed_head.extract_feat',
        'semantic_head.forward',
        'intra_frame_head.forward',
        'inter_frame_head.encode',
        'inter_frame_head.forward',
        # Not detector.predict: a copy of the detector predicts.
        'segment',
    ),
    'prototypes': ('prototype_net.forward', 'base_mask_module.forward'),
    'temporal network': (
        'temporal_net.select',
        'temporal_net.join',
        'temporal_net.changes',
    ),
    'NMS': (
        'bbox_head.predict',
        'detector.rpn_head.predict_by_feat',
        'detector.roi_head.predict_bbox',
        'detector.bbox_head.predict_by_feat',
        'detector.mask_head.predict_by_feat',
        'detector.panoptic_fusion_head.predict',
    ),
    'mask assembly': ('assemble_masks', 'blender.forward', 'assembly.forward'),
    'tracker': ('tracker.track', 'tracker.propagate'),
    'upsampling': ('detector.roi_head.mask_head.predict_by_feat',),
}
# And functions that the modules of the model's class and of its bases look up.
FUNCTIONS = {'upsampling': 'to_original_size', 'RLE': 'encode_masks'}
NETWORK = ('backbone', 'neck', 'head', 'prototypes', 'temporal network')
OTHER = 'other'
STAGES = (*NETWORK, 'NMS', 'mask assembly', 'tracker', 'upsampling', 'RLE', OTHER)


class Stopwatch:
    """Seconds of nested stages, each without those inside of it.

    Args:
        device (str): On 'cuda' a stage ends when its work on the GPU has.
        clock (Callable): Gives the time in seconds.
    """

    def __init__(
        self, device: str = 'cpu', clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._clock = clock
        self.seconds: dict[str, float] = defaultdict(float)
        self._stages: list[str] = []
        self._since = 0.0
        self._synchronize = None
        if str(device).startswith('cuda'):
            import torch

            self._synchronize = torch.cuda.synchronize

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """What runs inside is counted for this stage."""
        self._count()
        self._stages.append(name)
        try:
            yield
        finally:
            self._count()
            self._stages.pop()

    def _count(self) -> None:
        if self._synchronize is not None:
            self._synchronize()
        now = self._clock()
        if self._stages:
            self.seconds[self._stages[-1]] += now - self._since
        self._since = now


class Wrappers:
    """Attributes of objects, replaced for a while."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def replace(
        self, owner: Any, name: str, make: Callable[[Callable], Callable]
    ) -> None:
        """Put ``make(original)`` in the place of ``owner.name``."""
        original, own = getattr(owner, name), vars(owner).get(name)
        if own is None:  # A method: it belongs to the class, the wrapper to the object.
            self._undo.append(lambda: vars(owner).pop(name))
        else:
            self._undo.append(lambda: vars(owner).update({name: own}))
        vars(owner)[name] = make(original)

    def undo(self) -> None:
        """Put everything back, the latest first."""
        while self._undo:
            self._undo.pop()()


@contextmanager
def stage_times(model: nn.Module, stopwatch: Stopwatch) -> Iterator[set[str]]:
    """Count the stages of a model by a stopwatch; gives the stages it has."""
    wrappers, found = Wrappers(), set()

    def timed(stage: str) -> Callable[[Callable], Callable]:
        def make(original: Callable) -> Callable:
            def wrapper(*args, **kwargs):
                with stopwatch.stage(stage):
                    return original(*args, **kwargs)

            return wrapper

        found.add(stage)
        return make

    try:
        for stage, paths in MODEL_PARTS.items():
            for path in paths:
                *parents, name = path.split('.')
                owner = follow(model, parents)
                if hasattr(owner, name):
                    wrappers.replace(owner, name, timed(stage))
        for stage, name in FUNCTIONS.items():
            modules = {sys.modules[c.__module__] for c in type(model).__mro__}
            # What enlarges the frames of a chunk looks it up beside itself.
            modules |= {sys.modules['mmvis.models.common.to_original_size']}
            for module in modules:
                if hasattr(module, name):
                    wrappers.replace(module, name, timed(stage))
        yield found
    finally:
        wrappers.undo()


def follow(owner: Any, names: list[str]) -> Any:
    """An attribute of an attribute...; None where one is missing."""
    for name in names:
        owner = getattr(owner, name, None)
    return owner
