"""The stored numbers are of the inputs and the weights that are generated here."""

import pytest
import torch
from fixtures.stmask import fixture_inputs
from fixtures.stmask_fixtures import load_json, official_state


def test_frames_have_their_checksums():
    fixture_inputs.check()


def test_weights_have_their_sums():
    stored = load_json('weights_ship_check')
    state = official_state(stored['config'])
    for name, (total, magnitudes, first) in stored['values'].items():
        weight = state[name].double()
        assert weight.sum().item() == pytest.approx(total, abs=1e-9 * magnitudes), name
        assert weight.abs().sum().item() == pytest.approx(magnitudes, rel=1e-9), name
        assert weight.flatten()[0].item() == first, name
    everything = torch.stack([w.double().abs().sum() for w in state.values()]).sum()
    assert everything.item() == pytest.approx(stored['total'][1], rel=1e-9)
