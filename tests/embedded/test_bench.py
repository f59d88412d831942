"""The benchmark of the deployed stage, through the REST API and without it."""

from pathlib import Path

import pytest

from bench.results.store import Run
from tests.embedded.conftest import LocalStage

_BRIEF = ("--words", "8", "--tokens", "4", "--users", "1,2", "--seconds", "0.5", "--warm-up", "0")


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(
    "way",
    [
        "--route=chat",
        pytest.param("--endpoint", marks=pytest.mark.slow),
        pytest.param("--route=completions", marks=pytest.mark.slow),
    ],
)
def test_a_deployed_stage_is_measured(embedded_aws: LocalStage, tmp_path: Path, way: str) -> None:
    ended = embedded_aws.try_run(
        "-m", "bench", "run", way, *_BRIEF, "--requests", "2", "--out", str(tmp_path)
    )

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("| input words |")
    one, two = (figures for figures, _ in Run.open(tmp_path).cells())
    for cell in (one, two):
        assert not cell.failures
        assert cell.answered >= 2
        assert 1 <= cell.completion_tokens <= 4  # answers are drawn, and may end sooner
        assert cell.output_token_throughput > 0
        assert 0 < cell.time_to_first_token.p50 < cell.request_latency.p50
    if way != "--endpoint":
        assert one.prompt_tokens >= 8  # as the proxy counts, which knows the tokenizer
    kept = (tmp_path / "options.json").read_text()
    assert embedded_aws.deployment().api_key not in kept


def test_a_stage_that_is_not_deployed_is_named(tmp_path: Path) -> None:
    ended = LocalStage(1, tmp_path).try_run("-m", "bench", "run", *_BRIEF)

    assert ended.returncode == 1
    assert ended.stderr == "the embedded AWS is not running: `make up` starts it\n"


@pytest.mark.slow
@pytest.mark.usefixtures("deployed")
def test_a_deployed_stage_is_asked_what_it_recalls(
    embedded_aws: LocalStage, tmp_path: Path
) -> None:
    ended = embedded_aws.try_run(
        "-m", "bench", "recall", "--tasks=pass key", "--lengths=128", "--trials=1",
        "--out", str(tmp_path),
    )  # fmt: skip

    assert ended.returncode == 0, ended.stderr
    assert "| pass key | 128 |" in ended.stdout
    assert (tmp_path / "recall.html").exists()
