"""What goes wrong in every room: before a server starts, and while its engine generates."""


class SettingsError(ValueError):
    """The environment, or the model that it names, cannot be served."""


class EngineError(Exception):
    """llama.cpp failed to answer; the message is its reason."""
