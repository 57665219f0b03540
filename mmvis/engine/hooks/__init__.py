"""Hooks that mmengine and mmdet lack."""

from ..errors import NonFiniteLossError
from .checkpoint_fit_hook import CheckpointFitHook
from .checkpoint_hook import CheckpointHook
from .non_finite_loss_hook import NonFiniteLossHook
from .num_class_check_hook import NumClassCheckHook
from .preemption_hook import PreemptionHook
from .random_state_hook import RandomStateHook
from .training_summary_hook import TrainingSummaryHook
from .training_time_hook import TrainingTimeHook
from .visualization_hook import VISVisualizationHook

__all__ = [
    'CheckpointFitHook',
    'CheckpointHook',
    'NonFiniteLossError',
    'NonFiniteLossHook',
    'NumClassCheckHook',
    'PreemptionHook',
    'RandomStateHook',
    'TrainingSummaryHook',
    'TrainingTimeHook',
    'VISVisualizationHook',
]
