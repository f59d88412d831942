"""The operator's verbs read what the Makefile hands over."""

import pytest

from operate.__main__ import _parser


def test_parameters_are_split_as_in_a_shell() -> None:
    given = ["finetune", "--set=epoch=3 text='a b'", "--set", "seed=7", "--set=", "--", "local"]
    values = _parser().parse_args(given).values
    assert values == [("epoch", "3"), ("text", "a b"), ("seed", "7")]


@pytest.mark.parametrize("given", ["epoch", "=3", "epoch=3 seven"])
def test_a_parameter_without_a_name_or_a_value_is_refused(
    given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        _parser().parse_args(["finetune", "local", "--set", given])
    assert "give a parameter as NAME=VALUE, got" in capsys.readouterr().err
