"""A profile: true rows are read, and the service model of the published one is the known one."""

from dataclasses import replace
from pathlib import Path

import pytest

import _paths  # noqa: F401  # the constructs start jsii, which must be with the pinned Node
from sagemaker_llm import Objective, RequestShape, published_profile, read_profile
from sagemaker_llm.sizing.formula.demand import Demand
from sagemaker_llm.sizing.formula.profile import Profile, ProfileRow
from sagemaker_llm.sizing.formula.service import Service, fit, worst_row
from sagemaker_llm.sizing.formula.staffing import max_load

_HEADER = (
    "input_words,output_tokens,concurrency,throughput_tokens_per_s,latency_p50_ms_per_token,"
    "requests_per_s,latency_mean_ms,completion_tokens_mean"
)


def _written(folder: Path, *rows: str, header: str = _HEADER) -> Path:
    path = folder / "own.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.mark.parametrize(("server", "steps"), [("tgi", 20), ("vllm", 1), ("llama-cpp", 1)])
def test_prompts_wait_for_as_many_steps_as_their_server_lets_them(server: str, steps: int) -> None:
    profile = replace(published_profile(), server=server)
    assert fit(profile).admission_steps == steps
    first = Objective(milliseconds_per_token=60, time_to_first_token_seconds=1.1)
    shapes = (RequestShape(prompt_words=512, output_tokens=128),)
    loads = [
        max_load(Demand(fit(each), shapes), first, 3) for each in (profile, published_profile())
    ]
    assert (loads[0] > loads[1]) == (steps < 20)  # a promise that is tight is kept at a higher load


def test_row_within_five_percent_of_littles_law_is_read(tmp_path: Path) -> None:
    path = _written(tmp_path, "128,128,4,100,40,0.78,5000,127")
    (row,) = read_profile(path, instance_type="ml.g5.2xlarge").rows
    assert row.in_flight == pytest.approx(3.9)
    assert row.milliseconds_per_token == pytest.approx(5000 / 127)


def test_row_whose_users_waited_unseen_is_refused_by_its_line(tmp_path: Path) -> None:
    path = _written(tmp_path, "128,128,4,100,40,0.8,5000,128", "128,128,8,166,36,1.3,4600,128")
    with pytest.raises(ValueError, match=r"line 3 of .*own\.csv .*are 6\.0 users, got 8"):
        read_profile(path, instance_type="ml.g5.2xlarge")


@pytest.mark.parametrize(
    ("rows", "header", "words"),
    [
        (["128,128,1,30,32"], _HEADER.rsplit(",", 3)[0], "lacks requests_per_s, latency_mean_ms"),
        (["128,128,1,30,32,0.2,,128"], _HEADER, "line 2 of .* must hold numbers above 0"),
        (["128,128,1,30,32,0.2,-5000,128"], _HEADER, "line 2 of .* must hold numbers above 0"),
        (["128,128,1,30,32,0.2,nan,128"], _HEADER, "line 2 of .* must hold numbers above 0"),
        (["128,128,inf,30,32,inf,5000,128"], _HEADER, "line 2 of .* must hold numbers above 0"),
        (["0,128,1,30,32,0.2,5000,128"], _HEADER, "line 2 of .* must hold numbers above 0"),
        (["nan,128,1,30,32,0.2,5000,128"], _HEADER, "line 2 of .* must hold numbers above 0"),
        (["long,128,1,30,32,0.2,5000,128"], _HEADER, "line 2 of .* must hold numbers above 0"),
        ([], _HEADER, "must have a row for each load"),
    ],
)
def test_file_that_is_no_profile_is_refused(
    tmp_path: Path, rows: list[str], header: str, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        read_profile(_written(tmp_path, *rows, header=header), instance_type="ml.g5.2xlarge")


def test_profile_that_a_spreadsheet_saved_is_read(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    row = "128,128,4,100,40,0.78,5000,127"
    path.write_bytes(f"{_HEADER}\r\n{row}\r\n".encode("utf-8-sig"))
    assert read_profile(path, instance_type="ml.g5.2xlarge").rows[0].words == 128
    path.write_bytes(f"{_HEADER}\r\n{row}\r\n".encode("utf-16"))
    with pytest.raises(ValueError, match=r"own\.csv must be CSV in UTF-8: 'utf-8' codec"):
        read_profile(path, instance_type="ml.g5.2xlarge")


def test_profile_of_an_unknown_server_is_refused() -> None:
    with pytest.raises(ValueError, match="must be of tgi, vllm, llama-cpp, got 'sglang'"):
        fit(replace(published_profile(), server="sglang"))


def test_published_profile_has_users_that_were_not_served() -> None:
    assert published_profile().idle_users == pytest.approx(0.274, abs=0.001)


def test_service_model_of_the_published_profile_is_within_five_percent_of_each_row() -> None:
    service = fit(published_profile())
    assert service.step == pytest.approx(32.36, abs=0.01)
    assert service.per_request == pytest.approx(0.194, abs=0.001)
    assert service.per_word == pytest.approx(0.407, abs=0.001)
    assert service.per_word_squared == pytest.approx(6.4e-6, abs=0.1e-6)
    assert [round(service.prefill(w)) for w in (128, 512, 6400)] == [52, 210, 2869]
    assert abs(worst_row(service, published_profile())[1]) < 0.049


def _profile(*lengths: int, service: Service, slower: float = 1.0) -> Profile:
    rows = []
    for words in lengths:
        for b in (1, 4, 16, 64):
            latency = service.latency(words, 128, b) * (slower if b == 1 else 1)
            rows.append(
                ProfileRow(
                    words=words,
                    tokens=128,
                    users=b,
                    tokens_per_second=1000 * b / latency,
                    milliseconds_per_token=latency,
                )
            )
    return Profile(name="own", instance_type="ml.g5.2xlarge", rows=tuple(rows))


@pytest.mark.parametrize("lengths", [(256,), (128, 512), (32, 128, 512)])
def test_service_is_found_again_from_what_it_does(lengths: tuple[int, ...]) -> None:
    made = Service(step=20.0, per_request=0.1, per_word=0.3, per_word_squared=0.0)
    found = fit(_profile(*lengths, service=made))
    for words in lengths:
        assert found.latency(words, 128, 10) == pytest.approx(made.latency(words, 128, 10))


def test_profile_that_follows_no_such_service_is_refused() -> None:
    made = Service(step=20.0, per_request=0.1, per_word=0.3, per_word_squared=0.0)
    with pytest.raises(ValueError, match=r"own must follow the service model within 15%, got"):
        fit(_profile(128, 512, service=made, slower=4.0))


def test_profile_of_one_load_is_refused() -> None:
    row = _profile(128, service=Service(step=20, per_request=0.1, per_word=0, per_word_squared=0))
    one = Profile(name="own", instance_type="ml.g5.2xlarge", rows=row.rows[:1])
    with pytest.raises(ValueError, match="must have rows at two loads or more"):
        fit(one)
