"""The types that a container's variables have."""

from allowed_values.rules import Choice, Pattern, Range, Rule

Setting = tuple[type, tuple[Rule, ...]]

FLAG: Setting = (str, (Choice(("true", "false")),))
# A flag without a value, in images that turn variables into flags: `false` only leaves it out.
ON: Setting = (str, (Choice(("true",)),))
SWITCH: Setting = (str, (Choice(("0", "1")),))
SECONDS: Setting = (int, (Range(at_least=1, at_most=3600),))
COUNT: Setting = (int, (Range(at_least=1, at_most=10_000),))
SHARE: Setting = (float, (Range(above=0, at_most=1),))
# Another line could end the variable; SageMaker takes 1,024 characters.
TEXT: Setting = (str, (Pattern(r"[ -~]{1,1024}", "1 to 1024 printable ASCII characters"),))


def one_of(*choices: str | int) -> Setting:
    """Return a setting with a few values."""
    return (type(choices[0]), (Choice(choices),))
