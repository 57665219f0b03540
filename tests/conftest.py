"""Test helpers are modules beside this file: data_factory, model_factory."""

import functools
import gc
import signal
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

# The suite runs in several processes: more threads each than cores only fight.
torch.set_num_threads(1)


# A shell starts what runs in its background deaf to ctrl-C, and so would be the
# commands that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    # Every dataset that opens collects garbage; what is imported by now never is any,
    # and walking through it would take half of these tests' time.
    gc.freeze()


@pytest.fixture(autouse=True)
def _imports_are_no_garbage():
    """Nor is what a test was the first to import."""
    before = len(sys.modules)
    yield
    if len(sys.modules) > before:
        _freeze()


@pytest.fixture(autouse=True, scope='module')
def _reports_are_no_garbage():
    """Nor what pytest and caches of models keep of a file of tests."""
    yield
    _freeze()


def _freeze() -> None:
    gc.collect()  # a ring that nobody holds would never go
    gc.freeze()


@pytest.fixture(autouse=True, scope='session')
def _metafiles_are_read_once():
    """mmengine reads mmdet's hundred of them for each config with a base of mmdet's."""
    from mmengine.config import utils

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, 'load', functools.cache(utils.load))
        yield


@pytest.fixture(autouse=True)
def _loggers_outlive_what_they_write_to():
    """mmengine's loggers go on after a test, and what caught their words does not."""
    yield
    logging = sys.modules.get('mmengine.logging')
    for logger in logging.MMLogger._instance_dict.values() if logging else ():
        for handler in logger.handlers:
            if getattr(getattr(handler, 'stream', None), 'closed', False):
                # Not setStream, which would flush what is closed.
                handler.stream = sys.__stderr__


@pytest.fixture(autouse=True)
def _operators_are_as_before():
    """A training that repeats to the bit has torch take other operators for good."""
    before = torch.are_deterministic_algorithms_enabled()
    yield
    # To set it imports torch's compiler, which takes a second.
    if torch.are_deterministic_algorithms_enabled() != before:
        torch.use_deterministic_algorithms(before)
