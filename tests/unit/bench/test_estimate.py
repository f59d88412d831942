"""What a run is said to take, beside what it takes in virtual time."""

import asyncio
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.estimate import Prices, estimate, expect, milliseconds_a_token
from bench.load.arrivals import Users
from bench.load.generator import Cell, measure
from bench.load.prompts import prompts
from bench.options import Options
from tests.unit.bench.virtual_time import Server
from tests.unit.virtual_clock import run

ROOT = Path(__file__).parents[3]
_PRICES = Prices(
    proxy_gigabytes=1.0,
    collected_on="2026-11-27",
    instance_hour=3.6,
    lambda_gigabyte_second=0.001,
    lambda_request=0.0,
    api_request=0.01,
)


@pytest.mark.parametrize(
    ("words", "users"), [(128, 1), (128, 16), (512, 64), (128, 128), (6400, 8)]
)
def test_a_cell_takes_what_is_said(words: int, users: int) -> None:
    options = Options(target="", words=(words,), users=(users,))
    each = milliseconds_a_token(words, users)
    assert each is not None
    server = Server(first_seconds=0.1, token_seconds=each / 1000 * 128 - 0.1)

    async def measured() -> float:
        cell = Cell(
            target=server,
            prompts=prompts(2, "seed"),
            tokens=2,
            load=Users(users),
            limits=options.limits(Users(users)),
            disconnect_share=0,
            seed="seed",
        )
        begun = asyncio.get_running_loop().time()
        await measure(cell, lambda _snapshot: None)
        return asyncio.get_running_loop().time() - begun

    (row,) = expect(options)
    assert row.seconds == pytest.approx(run(measured()), rel=0.2)  # The last answers vary.
    assert row.requests == pytest.approx(len(server.asked), rel=0.2)


@pytest.mark.parametrize(
    ("words", "users", "expected"),
    [
        (128, 1, 32), (128, 128, 88), (320, 1, 33), (8, 1, 32), (128, 3, 33.5),
        (6400, 8, 154), (6400, 16, None), (3000, 16, None), (7000, 1, None), (128, 200, None),
    ],
)  # fmt: skip
def test_latencies_between_the_published_ones_are_interpolated(
    words: int, users: int, expected: float | None
) -> None:
    found = milliseconds_a_token(words, users)

    assert found == (expected if expected is None else pytest.approx(expected))


def test_a_row_ends_with_a_time_out_where_nothing_was_published() -> None:
    short, medium, long = expect(Options(target="", timeout=60))

    assert [(row.cells, row.timed_out) for row in (short, medium, long)] == [(8, 0), (8, 0), (4, 1)]
    assert long.request_seconds > 16 * 60


def test_an_estimate_adds_up() -> None:
    (row,) = expect(Options(target="", words=(128,), users=(1,)))

    said = estimate([row], _PRICES, through_the_api=True)
    direct = estimate([row], _PRICES, through_the_api=False)

    dollars = row.seconds / 1000, row.request_seconds / 1000, row.requests / 100
    assert f"about {sum(dollars):.2f} USD" in said
    assert f"(ml.g5.2xlarge {dollars[0]:.2f}, Lambda {dollars[1]:.2f}, API Gateway" in said
    assert f"about {dollars[0]:.2f} USD (ml.g5.2xlarge {dollars[0]:.2f}; prices" in direct


def test_an_open_loop_lasts_as_long_as_its_requests_need() -> None:
    (row,) = expect(Options(target="", words=(128,), rates=(0.5,), requests=100))

    assert row.seconds == pytest.approx(2 + 200 + 4.1, rel=0.01)
    assert row.requests == pytest.approx(101)


def test_an_estimate_needs_no_deployment(capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", "--env", "prod", "--endpoint", "--estimate"])
    direct = capsys.readouterr().out
    main(["run", "--env", "prod", "--estimate"])
    through_the_api = capsys.readouterr().out

    assert "about 26 minutes at the latencies that AWS published, about 0.66 USD" in direct
    assert "about 0.79 USD (ml.g5.2xlarge 0.66, Lambda 0.12, API Gateway 0.01" in through_the_api
    page = (ROOT / "docs/benchmarks.md").read_text()
    for figure in ("about 26 minutes", "0.66 USD", "0.79 USD", "Lambda 0.12"):
        assert figure in page


@pytest.mark.parametrize("share", ["90", "nan", "-1", "most", "0.5,0.9"])
def test_share_that_is_none_is_refused_before_anything_is_asked(
    share: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["run", "--url", "http://127.0.0.1:9", "--estimate", f"--min-good={share}"])
    assert refused.value.code == 2
    assert f": got {share}" in capsys.readouterr().err
