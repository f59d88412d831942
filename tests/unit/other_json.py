"""What a file can hold that is valid JSON, or nearly, and not what its reader wants."""

OTHER_JSON = (
    *("", "{", "\x00", "[" * 100_000, "null", "true", "7", "-1.5", '"text"', "[]", "[[]]"),
    *('[{"name": 7}]', '{"name": null}'),
)
