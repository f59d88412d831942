"""CloudWatch's metric math over one period: arithmetic, comparisons, IF, FILL, MAX and MIN."""

import ast
import operator
from collections.abc import Callable, Mapping

Value = float | None

_OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


class ExpressionError(ValueError):
    """An expression that is not emulated."""


def evaluate(expression: str, values: Mapping[str, Value]) -> Value:
    """Return an expression's value by its metrics' ids; None where one that it needs has none."""
    return _Evaluation(values).value(_parsed(expression))


def check(expression: str, ids: set[str]) -> None:
    """Raise ExpressionError for what is not emulated, and for an id that is not there."""
    for value in (1.0, None):
        evaluate(expression, dict.fromkeys(ids, value))


def _parsed(expression: str) -> ast.AST:
    try:
        return ast.parse(expression.replace("^", "**").strip(), mode="eval").body
    except SyntaxError:
        raise ExpressionError(f"the embedded AWS cannot read the expression {expression}") from None


class _Evaluation:
    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values

    def value(self, node: ast.AST) -> Value:
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return float(node.value)
        if isinstance(node, ast.Name):
            if node.id not in self._values:
                raise ExpressionError(f"the expression names {node.id}, which is no metric of it")
            return self._values[node.id]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return self._applied(ast.Sub, 0.0, self.value(node.operand))
        if isinstance(node, ast.BinOp):
            return self._applied(type(node.op), self.value(node.left), self.value(node.right))
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            right = self.value(node.comparators[0])
            return self._applied(type(node.ops[0]), self.value(node.left), right)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self._called(node.func.id, [self.value(each) for each in node.args])
        raise ExpressionError(f"the embedded AWS has no {ast.unparse(node)} in an expression")

    def _applied(self, kind: type[ast.AST], left: Value, right: Value) -> Value:
        if kind not in _OPERATORS:
            raise ExpressionError(f"the embedded AWS has no {kind.__name__} in an expression")
        if left is None or right is None:
            return None
        try:
            return float(_OPERATORS[kind](left, right))
        except ZeroDivisionError:
            return None

    def _called(self, name: str, given: list[Value]) -> Value:
        match name, given:
            case "IF", [condition, yes, no]:
                return None if condition is None else yes if condition else no
            case "FILL", [value, instead]:
                return instead if value is None else value
            case (("MAX" | "MIN"), [_, *_]):
                known = [each for each in given if each is not None]
                return (max if name == "MAX" else min)(known, default=None)
        raise ExpressionError(f"the embedded AWS has no {name} of {len(given)} in an expression")
