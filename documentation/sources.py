"""What the sources say of themselves: docstrings, and the comments at fields and members."""

import ast
import inspect
import io
import re
import textwrap
import tokenize
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any


def summary(described: Any) -> str:  # noqa: ANN401 - whatever has a docstring
    """Return the first paragraph of a docstring, in one line."""
    return " ".join((inspect.getdoc(described) or "").partition("\n\n")[0].split())


def field_comments(settings: type) -> Mapping[str, str]:
    """Return what the comments beside and above each field of a class say, inherited ones too."""
    own = [each for each in reversed(settings.__mro__) if each.__module__ != "builtins"]
    return {name: text for each in own for name, text in _comments(each)}


def member_comments(choices: type[Enum]) -> Mapping[str, str]:
    """Return what the comments beside and above each member of an enumeration say."""
    return dict(_comments(choices))


def _comments(of: type) -> Iterator[tuple[str, str]]:
    source = textwrap.dedent(inspect.getsource(of))
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}
    alone = {n for n, line in enumerate(source.splitlines(), 1) if line.lstrip().startswith("#")}
    (definition,) = ast.parse(source).body
    for node in getattr(definition, "body", ()):
        match node:
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                beside = range(node.lineno, (node.end_lineno or node.lineno) + 1)
                above = list(_above(node.lineno, alone))
                said = [comments[line] for line in (*reversed(above), *beside) if line in comments]
                yield name, _sentence(" ".join(said))


def _above(line: int, alone: set[int]) -> Iterator[int]:
    while (line := line - 1) in alone:
        yield line


def _sentence(text: str) -> str:
    text = re.sub(r"\s*\bnoqa\b.*", "", text)
    return text[:1].upper() + text[1:]
