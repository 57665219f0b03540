"""Heads and data sets have to have the same number of classes."""

from types import SimpleNamespace

import pytest
from torch import nn

from mmvis.engine.hooks import NumClassCheckHook
from mmvis.registry import HOOKS


def loop_of(*classes: str) -> SimpleNamespace:
    meta = dict(classes=classes, ann_file=f'{len(classes)}.json')
    return SimpleNamespace(
        dataloader=SimpleNamespace(dataset=SimpleNamespace(metainfo=meta))
    )


def runner_of(num_classes: int, **loops) -> SimpleNamespace:
    model = nn.ModuleDict(dict(head=nn.Identity(), rpn_head=nn.Identity()))
    model['head'].num_classes = num_classes
    model['rpn_head'].num_classes = 1
    loops = dict(train_loop=None, val_loop=None, test_loop=None) | loops
    return SimpleNamespace(model=model, logger=None, **loops)


def test_configs_get_this_one():
    assert HOOKS.get('NumClassCheckHook') is NumClassCheckHook


def test_equal_numbers_pass():
    two = loop_of('a', 'b')
    runner = runner_of(2, train_loop=two, val_loop=two, test_loop=two)
    hook = NumClassCheckHook()
    hook.before_train(runner)
    hook.before_val(runner)
    hook.before_test(runner)
    hook.before_train(runner_of(2, train_loop=two))


@pytest.mark.parametrize('stage', ['train', 'val', 'test'])
def test_each_stage_is_checked(stage):
    runner = runner_of(2, **{f'{stage}_loop': loop_of('a', 'b', 'c')})
    with pytest.raises(ValueError, match=r"'3\.json' has 3 classes"):
        getattr(NumClassCheckHook(), f'before_{stage}')(runner)


def test_validation_set_is_checked_before_training():
    runner = runner_of(2, train_loop=loop_of('a', 'b'), val_loop=loop_of('a'))
    with pytest.raises(ValueError, match=r"'1\.json' has 1 classes"):
        NumClassCheckHook().before_train(runner)
