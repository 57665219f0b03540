"""Test helpers are modules beside this file: data_factory, model_factory."""

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))

# The suite runs in several processes: more threads each than cores only fight.
torch.set_num_threads(1)
