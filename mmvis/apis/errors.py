"""Errors about what an inference was given, apart from what is imported to raise."""


class SourceNotFoundError(FileNotFoundError):
    """There is no such file or folder."""


class UnreadableSourceError(ValueError):
    """The source is there, but holds nothing that can be read as frames."""


class NoFramesError(ValueError):
    """The source can be read and has no frame."""


class DamagedFrameError(ValueError):
    """A frame of a source that can be read otherwise."""


class ConfigNotFoundError(FileNotFoundError):
    """There is no config of this name."""


class DetectionsError(ValueError):
    """Detections that cannot be read, or do not fit the video."""


class DeviceError(ValueError):
    """The device is not there."""


class OutOfMemoryError(RuntimeError):
    """Memory was used up; the message has the frame, and the number of detections."""
