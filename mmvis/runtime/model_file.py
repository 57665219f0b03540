"""An exported model: a file of its network, files beside it, and what they tell."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

from mmvis.version import __version__

from .errors import ExportedModelError
from .networks import Network, open_network

# What the files look like inside; what an older mmvis cannot read counts up. Of format
# 1 are STMasks without the network 'kept': all anchors' coefficients are in 'frame'.
FORMAT = 2
READ = (1, 2)
SUFFIXES = ('.onnx',)


def is_exported(config: Any) -> bool:
    """Whether what is given as a config is the file of an exported model."""
    return isinstance(config, str | Path) and Path(config).suffix in SUFFIXES


def part_path(path: Path, part: str) -> Path:
    """Where a part of a model is: ``x.onnx`` (the frame network), ``x.<part>.onnx``."""
    return path if part == 'frame' else path.with_suffix(f'.{part}{path.suffix}')


class ModelFile:
    """An exported model, its networks opened when they are first asked for.

    Args:
        path (str | Path): The file of the frame network.
        device (str | None): See ``open_network``.
        threads (int | None): See ``open_network``.
        half (bool): The frame network in half precision; what computes boxes and
            places stays in float32.

    Attributes:
        about (dict): What the export says of itself: 'model' (the kind), 'mmvis' (its
            version), 'classes', 'category_ids', 'size', 'preparation', 'settings'.

    Raises:
        ExportedModelError: The file is no export of mmvis, or one of another format.
    """

    def __init__(
        self,
        path: str | Path,
        device: str | None = None,
        threads: int | None = None,
        half: bool = False,
    ) -> None:
        self.path = Path(path).expanduser()
        self._where = device, threads
        self._half = half
        self._networks: dict[str, Network] = {}
        self.about = self._read()

    def _read(self) -> dict[str, Any]:
        text = self.network('frame').metadata.get('mmvis')
        if text is None:
            raise ExportedModelError(
                f'{self.path} was not written by "python -m mmvis export": it does not '
                'say how frames are prepared and what its outputs mean.'
            )
        about = json.loads(text)
        if about.get('format') not in READ:
            raise ExportedModelError(
                f'{self.path} was exported by mmvis {about.get("mmvis")} in format '
                f'{about.get("format")}, and this is mmvis {__version__}, which reads '
                f'formats {READ[0]} to {READ[-1]}: export it again with this version.'
            )
        return about

    def network(self, part: str) -> Network:
        """The network of a part: 'frame', and what else the kind of model has."""
        if part not in self._networks:
            path = part_path(self.path, part)
            if part != 'frame' and not path.is_file():
                raise ExportedModelError(
                    f'{path} is missing: {self.path} needs it beside itself.'
                )
            half = self._half and part == 'frame'
            network = open_network(path, *self._where, half)
            self._check_part(part, network)
            self._networks[part] = network
        return self._networks[part]

    def _check_part(self, part: str, network: Network) -> None:
        """Parts of two exports do not fit together, though they may run."""
        if part == 'frame':
            return
        theirs = json.loads(network.metadata.get('mmvis', '{}'))
        if theirs.get('export_id') != self.about['export_id']:
            raise ExportedModelError(
                f'{part_path(self.path, part)} is of another export than {self.path}: '
                'copy both files of one.'
            )

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What the model was configured with."""
        return self.about['settings']
