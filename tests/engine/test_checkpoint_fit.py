"""The reason that is given for weights of another model is the right one."""

import pytest
from torch import nn

from mmvis.engine.checkpoint_fit import WeightsMismatchError, check_fit


class Model(nn.Module):
    """Modules by name."""

    def __init__(self, **parts: nn.Module) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)


def backbone() -> nn.Module:
    return nn.Sequential(*[nn.Conv2d(1, 1, 1) for _ in range(9)], nn.BatchNorm2d(1))


def detector() -> Model:
    return Model(backbone=backbone(), roi_head=nn.Linear(2, 2))


@pytest.mark.parametrize(
    ('given', 'reason'),
    [
        (detector(), 'It is of a detector alone, not of a video model'),
        # The same backbone, but the rest is of a one-stage video model.
        (
            Model(backbone=backbone(), **{f'head{i}': nn.Linear(1, 1) for i in '1234'}),
            'It is of another model altogether',
        ),
    ],
)
def test_what_shares_a_backbone_with_the_detector(given, reason):
    model = Model(detector=detector(), track_head=nn.Linear(2, 2))
    with pytest.raises(WeightsMismatchError, match=reason):
        check_fit(model, given.state_dict())
