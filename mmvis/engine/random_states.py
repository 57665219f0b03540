"""The states of this process's random generators, as plain weights may hold them."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch


def random_states() -> dict[str, Any]:
    """Of python, numpy, torch, and the current GPU where one is in use."""
    version, words, gauss = random.getstate()
    of_numpy: Any = np.random.get_state(legacy=True)
    name, keys, position, has_gauss, cached = of_numpy
    states = {
        'python': (version, torch.tensor(words, dtype=torch.int64), gauss),
        'numpy': (
            str(name),
            torch.from_numpy(keys.astype(np.int64)),
            int(position),
            int(has_gauss),
            float(cached),
        ),
        'torch': torch.get_rng_state(),
    }
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        states['cuda'] = torch.cuda.get_rng_state().cpu()
    return states


def set_random_states(states: dict[str, Any]) -> None:
    """Go on from :func:`random_states`, also where its tensors are on a GPU by now."""
    version, words, gauss = states['python']
    random.setstate((version, tuple(words.tolist()), gauss))
    name, keys, *others = states['numpy']
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32), *others))
    torch.set_rng_state(states['torch'].cpu())
    if 'cuda' in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states['cuda'].cpu())
