"""TGI's events, from a server that neither shows nor cuts at what ends an answer."""

from collections.abc import Iterator
from typing import Any

import pytest

from invoke_proxy.generation import Chunk, End, Generation, Token
from invoke_proxy.stops import StopCut
from invoke_proxy.tgi import frames

ASKED = Generation(prompt="The sea", prompt_tokens=3, max_tokens=900, stop=["END", "#"])


def _chunks(*texts: str) -> Iterator[Chunk]:
    for text in texts:
        yield Chunk(text, 1, [Token(7, text)])
    yield Chunk("", 0, end=End("length"))


def _generated(*texts: str) -> str:
    events = frames.Events(ASKED, full_text=False, shows_ends=False)
    made: list[Any] = []
    # The first chunk after which nothing more is wanted is the last.
    assert not all(events.take(chunk, made) for chunk in _chunks(*texts))
    return str(made[-1].generated_text)


@pytest.mark.parametrize(
    ("texts", "generated"),
    [
        ((" a", " E", "N", "D more", " b"), " a END"),
        ((" a", " E", "N"), " a EN"),
        ((" a# END",), " a#"),
    ],
)
def test_an_answer_ends_with_the_stop_sequence_that_is_complete_first(
    texts: tuple[str, ...], generated: str
) -> None:
    assert _generated(*texts) == generated


def test_no_text_is_searched_again_with_each_token(monkeypatch: pytest.MonkeyPatch) -> None:
    searched = 0

    class Counting(StopCut):
        def feed(self, text: str) -> str:
            nonlocal searched
            searched += len(self._held) + len(text)
            return super().feed(text)

    monkeypatch.setattr(frames, "StopCut", Counting)
    assert len(_generated(*[" EN"] * 500)) == 1500
    assert searched < 1500 * 2
