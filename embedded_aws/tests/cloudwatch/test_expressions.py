"""Metric math: what CloudWatch's guide says of each operator and function."""

import pytest

from embedded_aws.cloudwatch import expressions, series

_VALUES = {"asked": 6.0, "each": 2.0, "none": None}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("100 * each / asked + 1", 100 / 3 + 1),
        ("-(asked - 2 ^ 3)", 2),
        ("IF(asked / each > 2.5, asked, 0)", 6),
        ("IF(asked / each > 3.5, asked, 0)", 0),
        ("MAX(asked, none)", 6),
        ("FILL(none, 4) + each", 6),
        ("asked / none", None),
        ("asked / (each - 2)", None),
        ("IF(none > 1, 1, 2)", None),
    ],
)
def test_an_expression_has_the_value_of_its_metrics(expression: str, value: float | None) -> None:
    assert expressions.evaluate(expression, _VALUES) == pytest.approx(value)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("asked +", "cannot read"),
        ("other + 1", "names other, which is no metric"),
        ("ANOMALY_DETECTION_BAND(asked, 2)", "has no ANOMALY_DETECTION_BAND of 2"),
        ("asked // each", "has no FloorDiv"),
        ("[asked]", "has no \\[asked\\]"),
    ],
)
def test_what_is_not_emulated_is_refused_in_words(expression: str, words: str) -> None:
    with pytest.raises(expressions.ExpressionError, match=words):
        expressions.check(expression, {"asked", "each"})


def test_one_of_the_queries_returns_data() -> None:
    stat = {"Metric": {"Namespace": "N", "MetricName": "M"}, "Stat": "Sum"}
    with pytest.raises(expressions.ExpressionError, match="must have ReturnData, got 2"):
        series.check([{"Id": "a", "MetricStat": stat}, {"Id": "b", "Expression": "a"}])
    with pytest.raises(expressions.ExpressionError, match="no expressions of expressions, got b"):
        series.check(
            [
                {"Id": "a", "MetricStat": stat, "ReturnData": False},
                {"Id": "b", "Expression": "a", "ReturnData": False},
                {"Id": "c", "Expression": "b"},
            ]
        )
