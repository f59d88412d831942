"""Fine-tuning a tiny model: what is learned, what is written, and how a stop is survived."""

import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file

from allowed_values.hyperparameters import parse_hyperparameters
from allowed_values.rules import RefusedValueError
from container import JobError
from language_models.base_weights import load_model, load_tokenizer
from language_models.examples import make_examples
from tests.jobs.test_gguf_weights import write_gguf
from tests.jobs.tiny_model import BASE_ID, instructions, write_report, write_split
from tuning.channels import Channels, find_channels
from tuning.job import fine_tune
from tuning.launch import relaunch_on_all_gpus
from tuning.output.licence import write_license
from tuning.output.model_card import write_model_card
from tuning.training.progress import METRICS

ROOT = Path(__file__).parents[2]
SPLITS = ("train", "validation")
ALL_MODULES = "q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj"
QUICK = {
    "epoch": 4,
    "learning_rate": 1e-2,
    "lora_r": 8,
    "lora_alpha": 16,
    "target_modules": ALL_MODULES,
    "per_device_train_batch_size": 4,
    "gradient_accumulation_steps": 1,
    "eval_steps": 2,
    "logging_steps": 2,
    "lr_scheduler_type": "constant",
}
LORA = QUICK | {"instruction_tuned": True, "peft_type": "lora"}


def texts(given: dict[str, object]) -> dict[str, str]:
    """Hyperparameters as SageMaker gives them."""
    return {name: str(value) for name, value in (given | BASE_ID).items()}


def channels(root: Path, base: Path, mode: str = "instruction") -> Channels:
    """A training job's directories with data in them."""
    texts = [{"text": "the sea is wide and the sky is wide. " * 6}]
    records = instructions(0, 12) if mode == "instruction" else texts
    data = root / "input" / "data"
    train = write_split(data, "train", records)
    write_split(data, "validation", records[:4])
    write_report(train, mode)
    (data / "model").symlink_to(base)
    return find_channels(root)


def tune(job: Channels, **given: object) -> dict[str, Any]:
    """Run the job and return its metrics."""
    fine_tune(parse_hyperparameters(texts(given)), job)
    metrics: dict[str, Any] = json.loads((job.output_data / "metrics.json").read_text())
    return metrics


def logits(model: Any, tokenizer: Any) -> torch.Tensor:
    with torch.inference_mode():
        result: torch.Tensor = model(tokenizer("Say x", return_tensors="pt").input_ids).logits
    return result


def weights(job: Channels) -> dict[str, torch.Tensor]:
    return dict(load_file(job.model / "model.safetensors"))


def assert_same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        torch.testing.assert_close(tensor, second[name], msg=name)


@pytest.fixture(scope="module")
def adapted(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Channels:
    """A finished LoRA job."""
    job = channels(tmp_path_factory.mktemp("lora"), base)
    tune(job, **LORA)
    return job


def test_lora_learns_the_answers(adapted: Channels) -> None:
    tokenizer = load_tokenizer(adapted.model)
    model = load_model(adapted.model, dtype=torch.float32)
    read = tokenizer("Say y", return_tensors="pt").input_ids
    mask = torch.ones_like(read)
    written = model.generate(read, attention_mask=mask, max_new_tokens=6, pad_token_id=2)
    assert tokenizer.decode(written[0, read.shape[1] :]) == " yyyy</s>"


def test_merged_weights_are_the_base_with_its_adapter(adapted: Channels, base: Path) -> None:
    whole = load_model(base, dtype=torch.float32)
    with_adapter = PeftModel.from_pretrained(whole, adapted.model / "adapter")
    merged = load_model(adapted.model, dtype=torch.float32)
    tokenizer = load_tokenizer(base)
    torch.testing.assert_close(
        logits(merged, tokenizer), logits(with_adapter, tokenizer), atol=0.3, rtol=0.05
    )
    assert (
        logits(merged, tokenizer) - logits(load_model(base, dtype=torch.float32), tokenizer)
    ).abs().max() > 1


def test_adapter_is_merged_in_the_hosts_memory(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A GPU of 24 GB holds a trained 7B model; peft would dispatch the second one to it as well.
    def dispatched(*_: object, **__: object) -> None:
        raise AssertionError("the weights must stay where they were loaded")

    monkeypatch.setattr("peft.peft_model.dispatch_model", dispatched)
    tune(channels(tmp_path, base), **LORA | {"max_steps": 1})


def test_padding_is_not_counted_as_tokens(base: Path, tmp_path: Path) -> None:
    job = channels(tmp_path, base)
    records = [{"prompt": "Say x", "completion": " x" * length} for length in (1, 5, 20)]
    write_split(job.train.parent, "train", records)
    tune(job, **LORA | {"max_steps": 1})
    (state,) = job.checkpoints.glob("*/checkpoint-1/trainer_state.json")
    lengths = [
        len(prepared["input_ids"])
        for prepared in make_examples(
            records, load_tokenizer(base), prompt_format="none", max_input_length=1024
        ).kept
    ]
    # A batch of four is filled with the next epoch's first record.
    counted = json.loads(state.read_text())["num_input_tokens_seen"] - sum(lengths)
    assert counted in lengths


def test_model_directory_is_what_tgi_loads(adapted: Channels, base: Path) -> None:
    names = {path.name for path in adapted.model.iterdir()}
    copied = {"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"}
    assert names >= copied | {"LICENSE", "README.md", "adapter", "model.safetensors"}
    for name in copied:
        assert (adapted.model / name).read_bytes() == (base / name).read_bytes()
    assert weights(adapted).keys() == load_file(base / "model.safetensors").keys()
    assert {tensor.dtype for tensor in weights(adapted).values()} == {torch.bfloat16}


def test_nothing_is_written_that_the_store_refuses(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "lambda"))
    check_name = importlib.import_module("model_release.inventory").check_name
    odd = shutil.copytree(base, tmp_path / "odd")
    for name in ("modeling.py", "consolidated.00.pth", "params.json", "NOTICE", "License.txt"):
        (odd / name).write_text("{}")
    job = channels(tmp_path / "job", odd)
    tune(job, **LORA | {"max_steps": 1})
    names = {str(p.relative_to(job.model)) for p in job.model.rglob("*") if p.is_file()}
    for name in names:
        check_name(name)
    assert names >= {"NOTICE", "License.txt", "adapter/adapter_model.safetensors"}


def test_llama_cpp_gets_one_file_of_what_other_servers_get(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    write_gguf(base / "tiny.gguf")
    records = [{"prompt": "ab 12", "completion": " cd"}] * 8
    tuned = []
    for name, form in (("tgi", "safetensors"), ("llama-cpp", "Q8_0")):
        job = channels(tmp_path / name, base)
        write_split(job.train.parent, "train", records)
        write_split(job.train.parent, "validation", records)
        tune(job, **LORA | {"weights_format": form, "max_steps": 4})
        tuned.append(job.model)
    tgi, llama_cpp = ({path.name for path in folder.iterdir()} for folder in tuned)
    assert tgi - llama_cpp == {"model.safetensors"}
    assert llama_cpp - tgi == {"model.gguf"}
    first, second = (logits_of(folder) for folder in tuned)
    assert (first - second).abs().max() < (first - logits_of(base)).abs().max() / 10
    card = (tuned[1] / "README.md").read_text()
    assert "library_name: gguf\n" in card
    assert "| weights_format | Q8_0 |" in card


def logits_of(folder: Path) -> torch.Tensor:
    tokens = torch.tensor([load_tokenizer(folder)("ab 12 ab").input_ids])
    with torch.inference_mode():
        result: torch.Tensor = load_model(folder, dtype=torch.float32)(tokens).logits
    return result


def test_base_without_such_a_file_is_refused_before_training(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuning.job.train", lambda *_: pytest.fail("was trained"))
    with pytest.raises(JobError, match="weights_format must be safetensors for this base: its tok"):
        tune(channels(tmp_path, base), **LORA | {"weights_format": "Q8_0"})


def test_adapter_names_its_base_and_not_a_path(adapted: Channels) -> None:
    config = json.loads((adapted.model / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "tiny-mistral"
    assert {file.name for file in (adapted.model / "adapter").iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
    }


def test_model_card_says_what_the_model_comes_from(adapted: Channels) -> None:
    card = (adapted.model / "README.md").read_text()
    assert card.startswith("---\nlicense: apache-2.0\nbase_model: tiny-mistral\n")
    metrics = json.loads((adapted.output_data / "metrics.json").read_text())
    for row in (
        "| learning_rate | 0.01 |",
        "5" * 64,
        f"| eval_loss | {metrics['eval_loss']:.4g} |",
        "in the format `none`",
        '"prompt": "Say {letter}",',
    ):
        assert row in card


@pytest.mark.parametrize("licence", ["Our own: 'v1' #2", 'say "$(touch ran)" | \\'])
def test_model_card_holds_a_free_text_as_it_is(tmp_path: Path, licence: str) -> None:
    p = parse_hyperparameters(texts({}) | {"base_model_license": licence})
    report = {"splits": {}, "mode": "domain", "records": {"kept": 1, "counted": 1}, "sha256": "5"}
    write_model_card(tmp_path, p, report, {f"{s}_records_left_out": 0 for s in SPLITS})
    card = (tmp_path / "README.md").read_text()
    assert f"license: {json.dumps(licence)}\n" in card  # YAML reads JSON
    assert f"| base_model_license | {licence.replace('|', chr(92) + '|')} |" in card


def test_licence_of_the_base_is_kept(adapted: Channels, base: Path) -> None:
    assert (adapted.model / "LICENSE").read_text() == (base / "LICENSE").read_text()


@pytest.mark.parametrize(
    ("license_id", "text"),
    [
        ("apache-2.0", (ROOT / "LICENSE").read_text()),
        ("Apache-2.0", (ROOT / "LICENSE").read_text()),
        ("llama2", "This model is derived from tiny-mistral and stays under that model's licence,"),
    ],
)
def test_licence_is_written_where_the_base_has_none(
    tmp_path: Path, license_id: str, text: str
) -> None:
    given = BASE_ID | {"base_model_license": license_id}
    write_license(tmp_path, parse_hyperparameters(given))
    assert (tmp_path / "LICENSE").read_text().startswith(text)


def test_losses_are_printed_as_the_metric_definitions_read_them(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics = tune(channels(tmp_path, base), **LORA)
    printed = capsys.readouterr().out
    found = {
        name: [float(value) for value in re.findall(rf"{text}=([0-9.]+)", printed)]
        for name, (_, text) in METRICS.items()
    }
    evaluations = found["huggingface-textgeneration:eval-loss"]
    assert evaluations[0] == pytest.approx(metrics["eval_loss_before"], abs=1e-5)
    assert min(evaluations) == pytest.approx(metrics["eval_loss"], abs=1e-5)
    assert metrics["eval_loss"] < metrics["eval_loss_before"] / 2
    assert len(found["huggingface-textgeneration:train-loss"]) == metrics["steps"] / 2


def test_full_tuning_adapts_to_a_domain(base: Path, tmp_path: Path) -> None:
    job = channels(tmp_path, base, "domain")
    metrics = tune(job, **QUICK | {"learning_rate": 2e-3, "max_input_length": 48, "epoch": 8})
    assert metrics["eval_loss"] < metrics["eval_loss_before"] / 2
    assert not (job.model / "adapter").exists()
    before = load_file(base / "model.safetensors")
    assert all(not torch.equal(tensor, before[name]) for name, tensor in weights(job).items())
    card = (job.model / "README.md").read_text()
    assert "full fine-tuning" in card
    assert "trained on texts as they stand" in card


def test_qlora_merges_into_the_whole_weights(base: Path, tmp_path: Path) -> None:
    job = channels(tmp_path, base)
    metrics = tune(job, **LORA, bits=4)
    assert metrics["eval_loss"] < metrics["eval_loss_before"] / 2
    before, after = load_file(base / "model.safetensors"), weights(job)
    # what has no adapter is the base's own, not its quantized copy
    assert torch.equal(after["lm_head.weight"], before["lm_head.weight"])
    name = "model.layers.0.mlp.up_proj.weight"
    adapter = load_file(job.model / "adapter" / "adapter_model.safetensors")
    prefix = f"base_model.model.{name.removesuffix('.weight')}"
    delta = adapter[f"{prefix}.lora_B.weight"] @ adapter[f"{prefix}.lora_A.weight"] * 16 / 8
    torch.testing.assert_close(
        after[name].float(), before[name].float() + delta, atol=0.02, rtol=0.02
    )
    assert "QLoRA" in (job.model / "README.md").read_text()


# the training script on an instance that is taken away in the seventh step
INTERRUPTED = """
import os, signal, sys
sys.path.insert(0, "jobs")
import fine_tune
from tuning.training.progress import MetricLines
def end(_, args, state, *__, **___):
    if state.global_step == 7:
        os.kill(os.getpid(), signal.SIGTERM)
MetricLines.on_step_end = end
fine_tune.main()
"""


def test_interrupted_training_ends_as_if_it_had_not_been(
    base: Path, adapted: Channels, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = channels(tmp_path, base)
    ended = run_script(job, ["-c", INTERRUPTED], LORA)
    assert ended.returncode == -signal.SIGTERM, ended.stderr
    assert not job.model.exists()
    # the last checkpoint was being written when the end came
    (torn,) = job.checkpoints.glob("*/checkpoint-6")
    (torn / "trainer_state.json").unlink()
    metrics = tune(job, **LORA)
    assert "resuming from checkpoint-4" in capsys.readouterr().out
    expected = json.loads((adapted.output_data / "metrics.json").read_text())
    for name in ("steps", "train_loss", "eval_loss_before", "eval_loss"):
        assert metrics[name] == pytest.approx(expected[name]), name
    assert_same(weights(job), weights(adapted))


def test_checkpoints_of_another_training_are_not_taken_over(
    base: Path, adapted: Channels, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = channels(tmp_path, base)
    shutil.copytree(adapted.checkpoints, job.checkpoints)
    write_split(job.train.parent, "train", instructions(1, 13))
    assert tune(job, **LORA | {"max_steps": 1})["steps"] == 1
    assert "resuming" not in capsys.readouterr().out


def test_training_stops_early_when_validation_gets_no_better(base: Path, tmp_path: Path) -> None:
    patience = {"early_stopping_patience": 3, "early_stopping_threshold": 0.5, "eval_steps": 1}
    given = LORA | {"learning_rate": 1e-7, "epoch": 10, **patience}
    assert tune(channels(tmp_path, base), **given)["steps"] == 4


def test_best_weights_are_kept_when_validation_gets_worse(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job, resumed = (channels(tmp_path / name, base) for name in ("whole", "resumed"))
    for each in (job, resumed):
        write_split(each.train.parent, "validation", [{"prompt": "Say x", "completion": " zzzz"}])
    metrics = tune(job, **LORA | {"epoch": 12, "eval_steps": 6})
    history = json.loads((job.output_data / "history.json").read_text())
    evaluations = [entry["eval_loss"] for entry in history if "eval_loss" in entry]
    assert metrics["eval_loss"] == min(evaluations) < evaluations[-1]

    shutil.move(job.checkpoints, resumed.checkpoints)  # as S3 brings them to another job
    (last,) = resumed.checkpoints.glob(f"*/checkpoint-{metrics['steps']}")
    shutil.rmtree(last)
    capsys.readouterr()
    assert tune(resumed, **LORA | {"epoch": 12, "eval_steps": 6})["steps"] == metrics["steps"]
    assert "resuming from checkpoint-18" in capsys.readouterr().out  # and not from the best
    assert_same(weights(resumed), weights(job))


def test_last_step_is_evaluated_too(base: Path, tmp_path: Path) -> None:
    job = channels(tmp_path, base)
    tune(job, **LORA | {"eval_steps": 5})
    history = json.loads((job.output_data / "history.json").read_text())
    assert [entry["step"] for entry in history if "eval_loss" in entry] == [0, 5, 10, 12]


def test_job_without_validation_data_trains_to_the_end(base: Path, tmp_path: Path) -> None:
    job = channels(tmp_path, base)
    write_split(job.train.parent, "validation", [])
    metrics = tune(job, **LORA | {"max_steps": 3})
    assert metrics["steps"] == 3
    assert "eval_loss" not in metrics


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"instruction_tuned": False}, "instruction_tuned must be True for instruction data only"),
        ({"target_modules": "q_proj,w1"}, "target_modules must be .*, got 'q_proj,w1'"),
        ({"max_input_length": 5}, "max_input_length must fit a record, got 5 tokens"),
    ],
)
def test_job_is_refused_when(
    base: Path, tmp_path: Path, given: dict[str, object], reason: str
) -> None:
    with pytest.raises((JobError, RefusedValueError), match=reason):
        tune(channels(tmp_path, base), **LORA | given)


def test_job_fails_when_a_step_spoils_the_weights(base: Path, tmp_path: Path) -> None:
    # Neither a log nor an evaluation tells.
    p = parse_hyperparameters(texts(LORA | {"eval_steps": 100, "logging_steps": 100}))
    object.__setattr__(p, "learning_rate", 1e30)  # Far above what is allowed.
    with pytest.raises(JobError, match=r"not a number after step 1: lower learning_rate, got 1e"):
        fine_tune(p, channels(tmp_path, base))


LONG = {"prompt": "Say x", "completion": " x" * 700}  # 1407 tokens


def test_records_that_are_too_long_are_counted(base: Path, tmp_path: Path) -> None:
    job = channels(tmp_path, base)
    write_split(
        job.train.parent, "train", [*instructions(0, 7), LONG]
    )  # 1 of 12 with the validation's
    metrics = tune(job, **LORA | {"max_steps": 1})
    assert metrics["train_records_left_out"] == 1
    assert metrics["validation_records_left_out"] == 0
    card = (job.model / "README.md").read_text()
    assert "| trained on, validated on, held out | 7, 4, 0 |" in card
    assert "| left out of them, as too long for training | 1 |" in card


def test_job_fails_when_too_many_records_are_too_long(base: Path, tmp_path: Path) -> None:
    job = channels(tmp_path, base)
    write_split(job.train.parent, "train", [*instructions(0, 6), LONG, LONG])
    reason = "2 of 12 records are longer than max_input_length; max_rejected_fraction allows 0.1"
    with pytest.raises(JobError, match=reason):
        tune(job, **LORA)
    assert not job.checkpoints.exists()


def test_channel_without_weights_is_refused(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    job = channels(tmp_path, nothing)
    with pytest.raises(JobError, match=r"must hold one .gguf, or .safetensors and config.json"):
        tune(job, **LORA)


def test_tokenizer_of_no_named_class_is_refused(base: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(base, tmp_path / "base")
    settings = copy / "tokenizer_config.json"
    named = json.loads(settings.read_text())
    del named["tokenizer_class"]
    settings.write_text(json.dumps(named))
    with pytest.raises(JobError, match="must name a tokenizer_class, such as LlamaTokenizer"):
        load_tokenizer(copy)


def run_script(
    job: Channels, command: Sequence[str], given: dict[str, object], **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the job's script as SageMaker does."""
    root = job.model.parent
    (root / "input" / "config").mkdir(exist_ok=True)
    (root / "input" / "config" / "hyperparameters.json").write_text(json.dumps(texts(given)))
    running = subprocess.Popen(
        [sys.executable, *command],
        env={"TRAINING_ROOT": str(root), "TMPDIR": str(root), "OMP_NUM_THREADS": "1"} | environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with running:
        try:
            # Processes that wait for each other would do so for 30 minutes.
            stdout, stderr = running.communicate(timeout=300)
        except BaseException:
            running.terminate()  # torchrun ends its processes, which a killed one leaves behind
            raise
    return subprocess.CompletedProcess(command, running.returncode, stdout, stderr)


def test_two_processes_of_torchrun_train_one_model(base: Path, tmp_path: Path) -> None:
    job = channels(tmp_path, base)
    given = LORA | {"epoch": 8, "per_device_train_batch_size": 2}
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--local-addr=127.0.0.1"]
    torchrun += ["--nproc-per-node=2"]
    ended = run_script(job, [*torchrun, zipped(tmp_path), "fine_tune"], given)
    assert ended.returncode == 0, ended.stderr
    metrics = json.loads((job.output_data / "metrics.json").read_text())
    assert metrics["steps"] == 24  # 12 records in batches of 2 on 2 processes
    assert metrics["eval_loss"] < metrics["eval_loss_before"] / 2
    assert ended.stdout.count("step=0 eval-loss=") == 1
    assert (job.model / "model.safetensors").is_file()
    assert (job.model / "LICENSE").read_text().startswith("Apache License")


@pytest.mark.parametrize("status", [0, 1])
@pytest.mark.parametrize("environment", [{"LOCAL_RANK": "1"}, {}])
def test_a_process_of_several_ends_at_once(environment: dict[str, str], status: int) -> None:
    # What runs while the interpreter goes down stands for a process group's threads.
    program = "import atexit, sys; from tuning.launch import exit_with; print('done', end='');"
    program += f"atexit.register(lambda: print(', down', end='')); exit_with({status})"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT / "jobs")} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    expected = "done" if environment else "done, down"
    assert (ended.returncode, ended.stdout, ended.stderr) == (status, expected, "")


@pytest.mark.parametrize("environment", [{"LOCAL_RANK": "1"}, {}])
def test_a_process_of_several_that_is_told_to_end_ends_at_once(environment: dict[str, str]) -> None:
    program = "import atexit, os, runpy, signal; print('done', end='');"
    program += "atexit.register(lambda: print(', down', end=''));"
    program += "runpy.run_module = lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM);"
    program += f"runpy.run_path({str(ROOT / 'jobs')!r}, run_name='__main__')"
    ended = subprocess.run(
        [sys.executable, "-c", program, "prepare"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    expected = "done" if environment else "done, down"
    assert (ended.returncode, ended.stdout) == (128 + signal.SIGTERM, expected), ended.stderr


def zipped(folder: Path) -> str:
    """The scripts as SageMaker gets them."""
    return shutil.make_archive(str(folder / "jobs"), "zip", ROOT / "jobs")


@pytest.mark.parametrize(
    ("gpus", "environment", "relaunches"),
    [(4, {}, True), (4, {"LOCAL_RANK": "0"}, False), (1, {}, False), (0, {}, False)],
)
def test_torchrun_is_started_once_for_several_gpus(
    monkeypatch: pytest.MonkeyPatch, gpus: int, environment: dict[str, str], *, relaunches: bool
) -> None:
    started: list[list[str]] = []
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(os, "execv", lambda _, command: started.append(command))
    monkeypatch.setattr(sys, "argv", ["code.zip"])
    relaunch_on_all_gpus("fine_tune")
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--local-addr=127.0.0.1"]
    command = [sys.executable, *torchrun, "--nproc-per-node=4", "code.zip", "fine_tune"]
    assert started == ([command] if relaunches else [])
