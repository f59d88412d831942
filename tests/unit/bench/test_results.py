"""What is written of a run, and what is read back."""

import re
from math import nan
from pathlib import Path

import pytest

from bench.commands import check_good_shares
from bench.load.arrivals import Users, read_trace
from bench.load.prompts import prompts
from bench.load.requests import Request
from bench.options import Options
from bench.results.compare import compare, read_measurement
from bench.results.figures import Figures, tokens_within
from bench.results.profile import PUBLISHED, read_profile
from bench.results.store import Run
from bench.run import run_cells, write_report
from tests.unit.bench.virtual_time import Server
from tests.unit.virtual_clock import run

_SMALL = Options(
    target="known delays", words=(8, 16), users=(1, 4), tokens=11, seconds=5, requests=4
)


def _measure(folder: Path, server: Server, options: Options = _SMALL) -> tuple[Run, list[str]]:
    started = Run.create(folder, options)
    return started, _go_on(started, server)


def _go_on(started: Run, server: Server) -> list[str]:
    seen: list[str] = []

    def measured(cell: Figures) -> None:
        seen.append(f"{cell.input_words} words, {cell.load}")

    run(run_cells(started, server, lambda *_: None, measured))
    return seen


def test_a_run_writes_profile_table_and_report_the_same_each_time(tmp_path: Path) -> None:
    measured, _ = _measure(tmp_path, Server())
    report, again = (
        write_report(each, each.cells()).read_text() for each in (measured, Run.open(tmp_path))
    )

    assert report == again
    rows = read_profile(tmp_path / "profile.csv")
    assert [row.key for row in rows] == [(8, 11, 1), (8, 11, 4), (16, 11, 1), (16, 11, 4)]
    assert [row.tokens_per_second for row in rows] == pytest.approx([36.7, 146.7] * 2, rel=0.02)
    assert [row.milliseconds_per_token for row in rows] == pytest.approx([27.3] * 4, rel=0.01)
    table = (tmp_path / "table.md").read_text()
    assert "| input words |  | 1 user | 4 users |" in table
    assert report.count("<svg") == 3 + 4
    assert not re.search(r'<script|<link|@import|url\(http|(src|href)="(?!#)', report)
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")


def test_a_row_ends_with_the_cell_that_is_given_up_and_its_cell_says_why(tmp_path: Path) -> None:
    server = Server(fails=lambda number: "timeout" if number > 100 else None)

    _, seen = _measure(tmp_path, server)

    assert seen == ["8 words, 1 user", "8 words, 4 users", "16 words, 1 user"]
    table = (tmp_path / "table.md").read_text().split("\n")
    assert table[2].endswith("| timeout |")
    assert table[4].endswith("| timeout | - |")


def test_a_run_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    measured, _ = _measure(tmp_path, Server())
    kept = measured.cell_path(8, Users(1)).read_bytes()
    measured.cell_path(16, Users(4)).unlink()
    server = Server()

    _go_on(Run.open(tmp_path), server)

    assert measured.cell_path(8, Users(1)).read_bytes() == kept
    assert {len(prompt.split()) for prompt in server.asked} == {16}


def test_a_folder_that_holds_a_run_is_not_written_over(tmp_path: Path) -> None:
    _measure(tmp_path, Server())

    with pytest.raises(ValueError, match="--resume"):
        Run.create(tmp_path, _SMALL)


def test_a_difference_is_told_from_noise(tmp_path: Path) -> None:
    jitter = iter(range(100_000))

    class Jittery(Server):
        async def answer(self, prompt, tokens, on_text):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202 - the base's
            self.token_seconds = self.slow * (0.018 + 0.004 * (next(jitter) * 7 % 11) / 10)
            return await super().answer(prompt, tokens, on_text)

        slow = 1.0

    class Slower(Jittery):
        slow = 1.3

    options = Options(target="known delays", words=(8,), users=(4,), tokens=11, seconds=20)
    for name, server in (("a", Jittery()), ("b", Jittery()), ("slow", Slower())):
        _measure(tmp_path / name, server, options)

    a, b, slow = (read_measurement(tmp_path / name, n) for n, name in enumerate(("a", "b", "slow")))

    assert compare(a, b).count("noise") == 2
    assert "noise" not in compare(a, slow)


def test_the_published_profile_is_read_and_compared(tmp_path: Path) -> None:
    published = read_measurement(PUBLISHED)
    options = Options(target="known delays", words=(128,), users=(1, 2), tokens=128, seconds=30)
    _measure(tmp_path, Server(), options)

    table = compare(published, read_measurement(tmp_path))

    assert len(published) == 20
    assert "| 128 | 128 | 2 users | 54.0 |" in table


def test_measurements_without_a_common_cell_are_refused(tmp_path: Path) -> None:
    _measure(tmp_path, Server())

    with pytest.raises(ValueError, match="no cell in common"):
        compare(read_measurement(PUBLISHED), read_measurement(tmp_path))


@pytest.mark.parametrize("words", [1, 2, 128, 6400])
def test_prompts_have_their_words_and_begin_differently(words: int) -> None:
    drawn = prompts(words, "seed")
    few = [next(drawn) for _ in range(500)]

    assert {len(prompt.split(" ")) for prompt in few} == {words}
    assert len({prompt.split(" ")[0] for prompt in few}) == 500


def test_tokens_count_when_they_arrive() -> None:
    request = Request(
        due=0, sent=0, arrivals=(1.0, 2.0, 3.0), ended=3.0, completion_tokens=6, prompt_tokens=1
    )

    assert tokens_within([request], 1.5, 3.0) == 4


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"words": ()}, "words is empty"),
        ({"words": (0,)}, "words must be whole numbers"),
        ({"users": (0,)}, "users must be"),
        ({"users": ()}, "users is empty"),
        ({"rates": (float("nan"),)}, "rate must be above 0"),
        ({"tokens": True}, "tokens must be whole numbers"),
        ({"seconds": float("inf")}, "seconds must be"),
        ({"disconnect": 1.5}, "disconnect must be"),
        ({"seconds": 400.0}, "max_seconds is 300"),
        ({"max_inter_token_latency": 0.0}, "inter_token_latency_seconds must be above 0"),
        ({"rates": (1.0,), "trace": "x"}, "not both"),
    ],
)
def test_options_that_measure_nothing_are_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Options(target="", **given)  # type: ignore[arg-type] # the point of the test


def test_a_trace_needs_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("10\n\n12.5\n11\n")
    (tmp_path / "b.txt").write_text("10\nsoon\n")

    assert read_trace(tmp_path / "a.txt").seconds == (0, 1, 2.5)
    with pytest.raises(ValueError, match=r"line 2 of .*'soon'"):
        read_trace(tmp_path / "b.txt")
    with pytest.raises(ValueError, match=r"c\.txt cannot be read"):
        read_trace(tmp_path / "c.txt")


def test_a_cell_below_the_promised_share_ends_the_command() -> None:
    check_good_shares([(1.0, None), (0.95, None)], 0.95)
    check_good_shares([], 0)
    with pytest.raises(SystemExit, match="nothing was measured, and 95% of the answers must"):
        check_good_shares([], 0.95)
    check_good_shares([(nan, "429 model_overloaded")], 0)
    with pytest.raises(SystemExit, match="94% of the answers kept the objective, 95% must"):
        check_good_shares([(1.0, None), (0.94, None)], 0.95)


@pytest.mark.parametrize("share", [nan, 0.99])
def test_a_cell_that_was_given_up_is_below_every_share(share: float) -> None:
    with pytest.raises(SystemExit, match="0% of the answers kept the objective, 90% must"):
        check_good_shares([(1.0, None), (share, "429 model_overloaded")], 0.9)
