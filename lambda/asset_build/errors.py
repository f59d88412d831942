"""Why an asset cannot be built."""


class BuildError(Exception):
    """An asset cannot be built; the message says what to do."""
