"""Names of tests with large parameters."""

_MAX_CHARACTERS = 200


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a large parameter by its beginning.

    A program that a test starts has the test's name in its environment, where 128 KiB are too much.
    """
    if isinstance(val, str | bytes) and len(val) > _MAX_CHARACTERS:
        return f"{val[:_MAX_CHARACTERS]!a}, {len(val)} in all"
    return None
