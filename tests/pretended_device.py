"""A device that is not there: its tensors compute on the CPU and refuse to meet CPU's.

A tensor that a model makes without saying where works on a CPU and fails on a GPU.
Here it fails without one: where a tensor of ``DEVICE`` meets one of the CPU, the error
is the one that a GPU would give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Union, get_args

import mmcv._ext
import torch
from mmengine.structures import instance_data
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing

# torch knows it, whatever it was built for, and nothing is ever computed on it.
DEVICE = torch.device('meta')

aten = torch.ops.aten
# Each is told of every operator on this device: function, arguments, options.
WATCHERS: list[Any] = []
# These take tensors of two devices, on GPUs too.
COPIES = {aten._to_copy.default, aten.copy_.default, aten.copy.default}
# An index may lie on the CPU.
INDEXING = {aten.index.Tensor, aten.index_put_.default, aten.index_put.default}
INDEXING |= {aten._index_put_impl_.default, aten._unsafe_index.Tensor}


class Elsewhere(Tensor):
    """A tensor that says it is on ``DEVICE``; ``here`` has its numbers."""

    here: Tensor

    @staticmethod
    def __new__(cls, here: Tensor) -> Elsewhere:
        return torch.Tensor._make_wrapper_subclass(
            cls,
            here.size(),
            strides=here.stride(),
            storage_offset=here.storage_offset(),
            dtype=here.dtype,
            device=DEVICE,
            requires_grad=here.requires_grad,
        )

    def __init__(self, here: Tensor) -> None:
        self.here = here.detach()

    def tolist(self) -> Any:
        for watch in WATCHERS:
            watch(aten._local_scalar_dense.default, (self,), {})
        return self.here.tolist()

    def numpy(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("can't convert a tensor of another device to numpy.")

    __array__ = numpy

    def __repr__(self) -> str:
        return f'Elsewhere({self.here})'

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        return ['here'], None

    @staticmethod
    def __tensor_unflatten__(inner: dict, meta: None, size: Any, stride: Any) -> Tensor:
        return Elsewhere(inner['here'])

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return compute(func, args, kwargs or {})


class _Mode(TorchDispatchMode):
    """Catches what has no tensor among its arguments, such as ``torch.zeros``."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return compute(func, args, kwargs or {})


class _Tensors(TorchFunctionMode):
    """Numbers that Python gives are put on a device below of all that is caught."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func in (torch.tensor, torch.as_tensor, Tensor.new_tensor):
            of_same = args[0].device if func is Tensor.new_tensor else 'cpu'
            device = torch.device(kwargs.pop('device', None) or of_same)
            values = args[1:] if func is Tensor.new_tensor else args
            if func is Tensor.new_tensor:
                kwargs.setdefault('dtype', args[0].dtype)
            maker = torch.as_tensor if func is torch.as_tensor else torch.tensor
            made = maker(*values, **kwargs)
            return made if device.type == 'cpu' else made.to(device)
        if func in (Tensor.__getitem__, Tensor.__setitem__):
            args = (args[0], _index(args[1]), *args[2:])
        return func(*args, **kwargs)


def _index(index: Any) -> Any:
    """With tensors in the place of lists of numbers, which torch would move itself."""
    if isinstance(index, tuple):
        return tuple(map(_index, index))
    if isinstance(index, list | range) and all(isinstance(i, int) for i in index):
        return torch.tensor(index, dtype=None if len(index) else torch.long)
    return index


def tensors_in(nested: Any) -> Iterator[Tensor]:
    """Those among the arguments of an operator: in lists, tuples and dicts."""
    if isinstance(nested, Tensor):
        yield nested
    elif isinstance(nested, list | tuple):
        for part in nested:
            yield from tensors_in(part)
    elif isinstance(nested, dict):
        yield from tensors_in(list(nested.values()))


def map_tensors(change: Callable[[Tensor], Any], nested: Any) -> Any:
    """The same with other tensors. torch's own takes three times as long."""
    if isinstance(nested, Tensor):
        return change(nested)
    if isinstance(nested, list | tuple):
        changed = [map_tensors(change, part) for part in nested]
        return changed if isinstance(nested, list) else tuple(changed)
    if isinstance(nested, dict):
        return {key: map_tensors(change, part) for key, part in nested.items()}
    return nested


def compute(func: Any, args: tuple, kwargs: dict) -> Any:
    """Run an operator on the numbers; refuse it where a GPU would."""
    tensors = list(tensors_in((args, kwargs)))
    away = any(isinstance(x, Elsewhere) for x in tensors)
    if any(x.is_meta and not isinstance(x, Elsewhere) for x in tensors):
        raise NotImplementedError(f'{func} got a tensor without numbers.')
    if away and func not in COPIES:
        check_places(func, args, tensors)
    asked = kwargs.get('device')
    if away or (asked is not None and torch.device(asked).type == DEVICE.type):
        for watch in WATCHERS:
            watch(func, args, kwargs)
    inside = dict(kwargs)
    if asked is not None:
        away = torch.device(asked).type == DEVICE.type
        inside['device'] = torch.device('cpu')
    elif func in (aten.copy_.default, aten.copy.default):
        away = isinstance(args[0], Elsewhere)
    out = func(*map_tensors(here, args), **map_tensors(here, inside))
    if not away:
        return out
    out = map_tensors(Elsewhere, out)
    return return_and_correct_aliasing(func, args, kwargs, out)


def check_places(func: Any, args: tuple, tensors: list[Tensor]) -> None:
    """A tensor of the CPU may meet others if it is a number, or an index."""
    if func in INDEXING and isinstance(args[0], Elsewhere):
        tensors = [x for x in args[2:3] if isinstance(x, Tensor)]
    wrong = [x for x in tensors if not isinstance(x, Elsewhere) and x.dim()]
    if wrong:
        raise RuntimeError(
            f'Expected all tensors to be on the same device: {func} got one of '
            f'{tuple(wrong[0].shape)} on the CPU.'
        )


def here(x: Tensor) -> Tensor:
    """The numbers of a tensor of ``DEVICE``; one of the CPU as it is."""
    return x.here if isinstance(x, Elsewhere) else x


def move(model: nn.Module) -> nn.Module:
    """A model's weights and buffers, to ``DEVICE``, in place."""
    for module in model.modules():
        for name, value in module._parameters.items():
            if value is not None:
                moved = nn.Parameter(Elsewhere(value.data), value.requires_grad)
                module._parameters[name] = moved
        for name, value in module._buffers.items():
            if value is not None:
                module._buffers[name] = Elsewhere(value)
    return model


@contextmanager
def pretended_device(monkeypatch: Any) -> Iterator[None]:
    """Within it ``DEVICE`` can be used; mmcv's operators too."""

    def wrap(operator: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            tensors = [x for x in (*args, *kwargs.values()) if isinstance(x, Tensor)]
            away = any(isinstance(x, Elsewhere) for x in tensors)
            # Some have empty tensors of the CPU for what is not given.
            if away and any(
                not isinstance(x, Elsewhere) and x.numel() for x in tensors
            ):
                raise RuntimeError(
                    f'Expected all tensors to be on the same device: {operator}.'
                )
            out = operator(*map_tensors(here, args), **map_tensors(here, kwargs))
            return map_tensors(Elsewhere, out) if away else out

        return call

    for name, operator in list(vars(mmcv._ext).items()):
        if callable(operator) and not name.startswith('_'):
            monkeypatch.setattr(mmcv._ext, name, wrap(operator))
    # There is no autocast of this device, and nothing here wants half precision.
    real = torch.autocast
    monkeypatch.setattr(
        torch,
        'autocast',
        lambda device, **kwargs: (
            nullcontext() if device == DEVICE.type else real(device, **kwargs)
        ),
    )
    asked = torch.is_autocast_enabled
    monkeypatch.setattr(
        torch,
        'is_autocast_enabled',
        lambda *kind: kind != (DEVICE.type,) and asked(*kind),
    )
    # mmengine lists the types of tensors that may be an index.
    known = get_args(instance_data.IndexType)
    monkeypatch.setattr(instance_data, 'IndexType', Union[(*known, Tensor)])
    with _Tensors(), _Mode():
        yield
