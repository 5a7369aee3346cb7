"""What can go wrong outside our own code; a wrong value from a caller is a `ValueError`."""


class GoldenError(Exception):
    """Root of the errors that a user can mend: what must be; what was; what to do."""


class ImageError(GoldenError):
    """A picture or a folder of pictures cannot be used."""


class WeightsError(GoldenError):
    """A network or its weights cannot be had or do not fit."""


class ArtifactError(GoldenError):
    """A file of ours is damaged, incomplete or of an unknown version, or cannot be written."""


class RunnerError(GoldenError):
    """The machines that work is given to cannot be had, or were lost."""


class StoreError(GoldenError):
    """The store that a URL names cannot be had or does not answer."""
