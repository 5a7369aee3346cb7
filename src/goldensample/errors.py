"""Exceptions for failures outside the code; a wrong value from a caller is a `ValueError`."""


class GoldenError(Exception):
    """Base class of errors that a user can fix. Messages: what must be; what was; what to do."""


class ImageError(GoldenError):
    """A picture or a folder of pictures cannot be used."""


class WeightsError(GoldenError):
    """A network or its weights are not available or do not fit."""


class TrainingError(GoldenError):
    """A network cannot be trained, or not any further."""


class ArtifactError(GoldenError):
    """A .golden file is damaged, incomplete or of an unknown version, or cannot be written."""


class RunnerError(GoldenError):
    """The machines of a runner are not available, or were lost."""


class StoreError(GoldenError):
    """The store of a URL is not available or does not answer."""
