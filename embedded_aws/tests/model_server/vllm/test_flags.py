"""The arguments that AWS's image makes from the environment, as vLLM's server reads them."""

from pathlib import Path

import pytest

from embedded_aws.model_server.errors import SettingsError
from embedded_aws.model_server.vllm.entrypoint import arguments
from embedded_aws.model_server.vllm.flags import Flags, parse
from embedded_aws.model_server.vllm.room import furnish

NOWHERE = Path("/nowhere")


def made(value: str, name: str = "X") -> list[str]:
    """What one variable becomes, behind the port and the model."""
    environment = {"HF_MODEL_ID": "m", f"SM_VLLM_{name}": value}
    return arguments(environment, NOWHERE)[4:]


def parsed(**settings: str) -> Flags:
    environment = {f"SM_VLLM_{name.upper()}": value for name, value in settings.items()}
    return parse(arguments({"HF_MODEL_ID": "m", **environment}, NOWHERE))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("8192", ["--x", "8192"]),
        (" True ", ["--x"]),
        ("", ["--x"]),
        ("false", []),
        ("[]", []),
        ('["a", 1, true, null, {"b": 2}]', ["--x", "a", "1", "true", "", '{"b":2}']),
        ("[not json]", ["--x", "[not json]"]),
        ('{"a": 1}', ["--x", '{"a": 1}']),
        ('{"a": 1} {"b": [2]}', ["--x", '{"a":1}', '{"b":[2]}']),
        ("two words", ["--x", "two words"]),
    ],
)
def test_value_decides_how_its_flag_is_written(value: str, expected: list[str]) -> None:
    assert made(value) == expected


def test_lists_that_are_values_stay_whole() -> None:
    assert made('["*"]', "ALLOWED_ORIGINS") == ["--allowed-origins", '["*"]']


def test_flags_come_in_the_order_of_their_names() -> None:
    environment = {"SM_VLLM_SEED": "1", "HF_MODEL_ID": "m", "SM_VLLM_DTYPE": "half"}
    assert arguments(environment, NOWHERE) == [
        *("--port", "8080", "--model", "m"),
        *("--dtype", "half", "--seed", "1"),
    ]


def test_model_is_the_named_one_or_the_model_data_or_the_hubs(tmp_path: Path) -> None:
    hub = {"HF_MODEL_ID": "hub"}
    assert arguments(hub, tmp_path)[2:] == ["--model", "hub"]
    (tmp_path / "config.json").touch()
    assert arguments(hub, tmp_path)[2:] == ["--model", "/opt/ml/model"]
    assert arguments({**hub, "SM_VLLM_MODEL": "own"}, tmp_path)[2:] == ["--model", "own"]


def test_no_model_is_refused() -> None:
    with pytest.raises(SettingsError, match="set SM_VLLM_MODEL or HF_MODEL_ID, or mount one to"):
        arguments({}, NOWHERE)


def test_flags_that_show_on_the_wire_are_read() -> None:
    flags = parsed(
        served_model_name='["a", "b"]',
        max_model_len="16k",
        max_num_seqs="4",
        max_logprobs="5",
        enable_lora="true",
        max_lora_rank="64",
    )

    assert flags.names == ["a", "b"]
    assert (flags.max_model_len, flags.max_num_seqs, flags.max_logprobs) == (16_000, 4, 5)
    assert (flags.enable_lora, flags.max_lora_rank) == (True, 64)
    assert parsed(max_model_len="auto").max_model_len is None
    assert parsed().names == ["m"]


def test_flags_of_the_gpu_are_accepted() -> None:
    parsed(
        tensor_parallel_size="4",
        gpu_memory_utilization="0.9",
        no_enable_prefix_caching="true",
        enforce_eager="true",
        dtype="bfloat16",
        attention_backend="FLASH_ATTN",
        max_num_batched_tokens="8K",
    )


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("max_input_length", "1024", "unrecognized arguments: --max-input-length 1024"),
        ("swap_space", "4", "unrecognized arguments: --swap-space 4"),
        ("max_model_len", "long", "argument --max-model-len: invalid int value: 'long'"),
        ("max_model_len", "", "argument --max-model-len: expected one argument"),
        ("dtype", "int8", "argument --dtype: invalid choice: 'int8'"),
        ("enforce_eager", "yes", "unrecognized arguments: yes"),
    ],
)
def test_flag_that_vllm_does_not_take_ends_it(name: str, value: str, error: str) -> None:
    with pytest.raises(SettingsError, match=rf"^api_server\.py: error: {error}"):
        parsed(**{name: value})


def test_model_of_the_hub_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"the model of vLLM must be .* got 'mistralai/M'"):
        furnish({"SM_VLLM_MODEL": "mistralai/M"})


def test_chat_template_that_is_no_file_is_refused() -> None:
    environment = {"HF_MODEL_ID": "HuggingFaceTB/SmolLM2-135M-Instruct"}
    with pytest.raises(
        SettingsError, match=r"chat template \(/none.jinja\) looks like a file path"
    ):
        furnish({**environment, "SM_VLLM_CHAT_TEMPLATE": "/none.jinja"})
