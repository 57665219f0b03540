"""Mistakes in a config's entries are told in a sentence; bugs keep their trace."""

import pytest
from mmengine.registry import Registry

from mmvis.engine.command_line import user_message
from mmvis.engine.config_mistakes import config_mistake

ABOVE = Registry('things')
THINGS = Registry('things', parent=ABOVE, scope='here', locations=[])


class Base:
    def __init__(self, in_channels, norm=None):
        self.in_channels = in_channels


@THINGS.register_module()
class Wide(Base):
    def __init__(self, width=1, **kwargs):
        super().__init__(**kwargs)


@THINGS.register_module()
class Holder:
    def __init__(self, part):
        self.part = THINGS.build(part)


@THINGS.register_module()
class Buggy:
    def __init__(self, size):
        Base(in_channels=1, szie=size)


@THINGS.register_module()
class Summing:
    def __init__(self, size):
        self.size = size + 'a'


def error_of(**config) -> Exception:
    with pytest.raises(Exception) as raised:
        THINGS.build(config)
    return raised.value


@pytest.mark.parametrize(
    'config, sentence',
    [
        (
            dict(type='Wide', widht=1, in_channels=1),
            'The config gives Wide the key widht, which it does not have. Did you mean '
            'width?',
        ),
        (
            dict(type='Wide', in_chanels=1),
            'The config gives Wide the key in_chanels, which it does not have. Did you '
            'mean in_channels?',
        ),
        (
            dict(type='Wide', in_channels=1, zzz=1),
            'The config gives Wide the key zzz, which it does not have.',
        ),
        (dict(type='Wide'), "The config of a Wide lacks 'in_channels'."),
        (
            dict(type='Holder', part=dict(type='Wide', in_channels=1, zzz=1)),
            'The config gives Wide the key zzz, which it does not have.',
        ),
        (
            dict(type='Holder', part=dict(type='Wyde')),
            'The config has the type Wyde, of which there is none (looked for in '
            'here::things). Did you mean Wide?',
        ),
    ],
)
def test_the_entry_is_named(config, sentence):
    error = error_of(**config)
    assert config_mistake(error) == sentence
    assert user_message(error) == sentence


@pytest.mark.parametrize('name', ['Buggy', 'Summing'])
def test_a_bug_is_no_mistake_of_the_config(name):
    """What a class does with arguments that it has is not the user's doing."""
    error = error_of(type=name, size=1)
    assert config_mistake(error) is None
    assert user_message(error) is None


def test_errors_outside_of_a_config_are_left_alone():
    with pytest.raises(TypeError) as raised:
        Base(1, zzz=2)
    assert config_mistake(raised.value) is None
    assert config_mistake(KeyError('X is not in the a::b registry.')) is None
