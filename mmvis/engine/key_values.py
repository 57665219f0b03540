"""``--cfg-options KEY=VALUE ...`` without mmengine until it is given."""

from __future__ import annotations

import argparse
from typing import Any


class KeyValues(argparse.Action):
    """mmengine's ``DictAction``, which is imported when the option is used."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        from mmengine.config import DictAction

        action = DictAction(self.option_strings, self.dest, nargs=self.nargs)
        action(parser, namespace, values, option_string)
