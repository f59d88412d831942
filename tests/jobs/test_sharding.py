"""Full tuning over several GPUs: what each holds, and that a stop and the best weights survive."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from accelerate import FullyShardedDataParallelPlugin

from allowed_values.hyperparameters import parse_hyperparameters
from allowed_values.rules import RefusedValueError
from evaluation.held_out import held_out_loss
from evaluation.subject import Subject
from language_models.examples import make_examples, read_records
from tests.jobs.test_fine_tuning import (
    QUICK,
    assert_same,
    channels,
    run_script,
    texts,
    weights,
)
from tests.jobs.tiny_model import write_split
from tuning.channels import Channels
from tuning.training.placement import Placement, check_placement
from tuning.training.settings import trainer_settings
from tuning.training.sharding import keep_buffers_exact, sharding_settings

MISTRAL_7B = 7_241_732_096  # weights, 16 bits each in its files
A10G, A100 = 23_609_475_072, 85_045_608_448  # bytes that CUDA has


@pytest.mark.parametrize(("memory", "offloads"), [(A10G, True), (A100, False)])
def test_states_of_7b_go_to_the_host_when_four_gpus_cannot_hold_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: int, *, offloads: bool
) -> None:
    monkeypatch.setenv("FSDP_STATE_DICT_TYPE", "")
    for shard in (1, 2):
        with (tmp_path / f"model-0000{shard}-of-00002.safetensors").open("wb") as file:
            file.truncate(MISTRAL_7B)  # half of the weights, and no byte on the disk
    settings = sharding_settings(tmp_path, 4, memory)
    assert settings["fsdp"] == "full_shard auto_wrap" + " offload" * offloads


@pytest.mark.parametrize(
    ("gpus", "peft_type", "sharded"), [(4, "None", True), (4, "lora", False), (1, "None", False)]
)
def test_model_is_sharded_for_full_tuning_on_several_gpus(
    gpus: int, peft_type: str, *, sharded: bool
) -> None:
    p = parse_hyperparameters(texts({"peft_type": peft_type}))
    placement = Placement(gpus=gpus, processes=gpus)
    assert placement.sharded(p) is sharded
    # FSDP recomputes activations itself, and refuses that both do
    settings = trainer_settings(p, placement, Path("checkpoints"))
    assert settings["gradient_checkpointing"] is not sharded


def test_sharded_gradients_are_not_accumulated(base: Path) -> None:
    placement = Placement(gpus=2, bytes_per_gpu=A10G)
    given: dict[str, object] = {"gradient_accumulation_steps": 2}
    with pytest.raises(RefusedValueError, match="gradient_accumulation_steps must be 1"):
        check_placement(parse_hyperparameters(texts(given)), placement, base)
    for name, value in (("peft_type", "lora"), ("gradient_accumulation_steps", 1)):
        check_placement(parse_hyperparameters(texts({**given, name: value})), placement, base)


def test_training_that_the_gpu_has_no_memory_for_is_refused(base: Path) -> None:
    placement = Placement(gpus=1, bytes_per_gpu=2**29)
    with pytest.raises(RefusedValueError, match=r"takes .* GiB of each GPU, this machine has 0.5"):
        check_placement(parse_hyperparameters(texts({})), placement, base)


@pytest.mark.parametrize("bf16", [True, False])
def test_rotary_frequencies_stay_exact(*, bf16: bool) -> None:
    plugin = FullyShardedDataParallelPlugin(sync_module_states=False)
    if bf16:
        plugin.set_mixed_precision("bf16")  # as accelerate does
    accelerator = SimpleNamespace(state=SimpleNamespace(fsdp_plugin=plugin))
    trainer = SimpleNamespace(args=SimpleNamespace(bf16=bf16), accelerator=accelerator)
    keep_buffers_exact(trainer)
    policy = plugin.mixed_precision_policy
    assert policy is None or policy.buffer_dtype == torch.float32
    assert bf16 is (policy is not None and policy.param_dtype == torch.bfloat16)


def run_sharded(job: Channels, **environment: str) -> int:
    """Tune the tiny model in full on two processes, and return how that ended."""
    given = QUICK | {"instruction_tuned": True, "learning_rate": 2e-3, "epoch": 8}
    given |= {"per_device_train_batch_size": 2, "eval_steps": 4, "early_stopping_patience": 9}
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    script = str(Path(__file__).with_name("sharded_on_cpu.py"))
    ended = run_script(job, [*torchrun, script], given, **environment)
    print(ended.stdout, ended.stderr)
    return ended.returncode


def prepared(root: Path, base: Path) -> Channels:
    """Data on which the validation gets worse before the training ends."""
    job = channels(root, base)
    write_split(job.train.parent, "validation", [{"prompt": "Say x", "completion": " zzzz"}])
    return job


def test_sharded_training_goes_on_where_it_was_stopped_and_keeps_the_best_weights(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, stopped = (prepared(tmp_path / name, base) for name in ("whole", "stopped"))
    assert run_sharded(whole) == 0
    assert run_sharded(stopped, STOP_AT_STEP="14") != 0
    assert not stopped.model.exists()
    assert run_sharded(stopped) == 0
    assert "resuming from checkpoint-12" in capsys.readouterr().out
    assert_same(weights(stopped), weights(whole))

    history = json.loads((whole.output_data / "history.json").read_text())
    evaluations = [entry["eval_loss"] for entry in history if "eval_loss" in entry]
    assert min(evaluations) < evaluations[-1]
    subject = Subject(whole.model, "none")
    examples = make_examples(
        read_records(whole.validation / "validation.jsonl"),
        subject.tokenizer, prompt_format="none", max_input_length=64,
    )  # fmt: skip
    best = held_out_loss(subject, examples).loss
    assert best == pytest.approx(min(evaluations), rel=0.03)
