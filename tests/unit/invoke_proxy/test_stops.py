from hypothesis import given
from hypothesis import strategies as st

from invoke_proxy.stops import StopCut

letters = st.text(alphabet="abc", max_size=20)
stops = st.lists(st.text(alphabet="abc", min_size=1, max_size=4), max_size=4)


def shown(pieces: list[str], stops: list[str], *, keeps_stop: bool = False) -> tuple[str, bool]:
    cut = StopCut(stops, keeps_stop=keeps_stop)
    text = ""
    for piece in pieces:
        text += cut.feed(piece)
        if cut.stopped:
            return text, True
    return text + cut.flush(), False


def expected(text: str, stops: list[str]) -> tuple[str, bool]:
    """Cut before the sequence that is complete first; of two, before the longer."""
    for end in range(len(text) + 1):
        starts = [end - len(stop) for stop in stops if text[:end].endswith(stop)]
        if starts:
            return text[: min(starts)], True
    return text, False


@given(st.lists(letters, max_size=6), stops)
def test_however_it_arrives_an_answer_ends_before_its_first_complete_stop_sequence(
    pieces: list[str], stops: list[str]
) -> None:
    assert shown(pieces, stops) == expected("".join(pieces), stops)


@given(st.lists(letters, max_size=6), stops)
def test_no_stop_sequence_is_ever_shown(pieces: list[str], stops: list[str]) -> None:
    text, _ = shown(pieces, stops)
    assert not any(stop in text for stop in stops)


@given(st.lists(letters, max_size=6), stops)
def test_an_answer_that_keeps_its_stop_sequence_ends_with_the_first_that_is_complete(
    pieces: list[str], stops: list[str]
) -> None:
    text = "".join(pieces)
    ends = [at + len(stop) for stop in stops if (at := text.find(stop)) >= 0]
    expected = (text[: min(ends)], True) if ends else (text, False)
    assert shown(pieces, stops, keeps_stop=True) == expected


def test_only_what_may_begin_a_stop_sequence_is_held_back() -> None:
    cut = StopCut(["###"])
    assert [cut.feed("ab#"), cut.feed("c##"), cut.flush()] == ["ab", "#c", "##"]
