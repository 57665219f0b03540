"""What can be wrong with an exported file, each said in one sentence."""


class ExportedModelError(ValueError):
    """The file is no export of mmvis, of another version of it, or not complete."""


class MissingOperatorError(ExportedModelError):
    """The runtime lacks an operator that the network needs."""


class MissingRuntimeError(ImportError):
    """The package that runs exported networks is not installed."""
