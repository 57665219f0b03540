"""Errors about what a user gave, apart from what is imported to raise them.

A command tells them from bugs before it knows whether torch will be needed.
"""


class CommandError(ValueError):
    """The command line or the config cannot be used as it is."""


class ConfigError(ValueError):
    """A config, or what is to be replaced in it, cannot be used as it is."""


class CheckpointError(RuntimeError):
    """A checkpoint cannot be found, downloaded or read safely.

    Args:
        message: one sentence for the user.
        source: the path or URL as the config names it, if it came from a config.
    """

    def __init__(self, message: str, source: str | None = None) -> None:
        super().__init__(message)
        self.source = source


class DownloadError(CheckpointError):
    """A checkpoint cannot be downloaded.

    Args:
        message: as above.
        reason: what the network said.
        source: as above.
    """

    def __init__(self, message: str, reason: str, source: str | None = None) -> None:
        super().__init__(message, source)
        self.reason = reason


class NonFiniteLossError(RuntimeError):
    """A loss became NaN or infinite; the message names the iteration and the losses."""
