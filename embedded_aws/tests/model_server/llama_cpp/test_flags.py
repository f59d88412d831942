"""The flags that AWS's image makes from the environment, and the model that it finds."""

from pathlib import Path

import pytest

from embedded_aws.model_server import packaged
from embedded_aws.model_server.engine import parameters
from embedded_aws.model_server.errors import SettingsError
from embedded_aws.model_server.llama_cpp import entrypoint, flags
from embedded_aws.model_server.llama_cpp.entrypoint import HUB_REPOSITORY, find_model
from embedded_aws.model_server.llama_cpp.room import read_parameters


def test_variables_become_flags() -> None:
    environment = {
        "SM_LLAMA_CPP_CTX_SIZE": "4096",
        "SM_LLAMA_CPP_METRICS": "TRUE",
        "SM_LLAMA_CPP_CONT_BATCHING": "False",
        "SM_LLAMA_CPP_JINJA": "",
        "SM_LLAMA_CPP_MODEL": "/m.gguf",
        "SM_LLAMA_CPP_MODEL_DIR": "/m",
        "SM_LLAMA_CPP_PORT": "8080",
        "HF_MODEL_ID": "x",
    }
    assert dict(entrypoint.flags(environment)) == {
        "--ctx-size": "4096",
        "--metrics": "",
        "--jinja": "",
    }


def test_flags_set_llama_cpps_parameters(tmp_path: Path) -> None:
    template = tmp_path / "chat.jinja"
    template.write_text("{{ bos_token }}", encoding="utf-8")
    params = parameters(Path("m.gguf"))

    environment = {
        "SM_LLAMA_CPP_CTX_SIZE": "4096",
        "SM_LLAMA_CPP_PARALLEL": "3",
        "SM_LLAMA_CPP_N_PREDICT": "77",
        "SM_LLAMA_CPP_ALIAS": "one, two",
        "SM_LLAMA_CPP_CHAT_TEMPLATE_FILE": str(template),
        "SM_LLAMA_CPP_NO_JINJA": "true",
        "SM_LLAMA_CPP_TOP_P": "0.5",
        "SM_LLAMA_CPP_CACHE_RAM": "64",
        "SM_LLAMA_CPP_FLASH_ATTN": "on",
        "SM_LLAMA_CPP_NO_MMAP": "true",
        "SM_LLAMA_CPP_MLOCK": "true",
    }
    flags.apply(params, entrypoint.flags(environment))

    assert (params.n_ctx, params.n_parallel, params.n_predict) == (4096, 3, 77)
    assert params.model_alias == {"one", "two"}
    assert (params.chat_template, params.use_jinja) == ("{{ bos_token }}", False)
    assert params.sampling.top_p == 0.5
    assert params.cache_ram_mib == 64
    assert params.flash_attn_type.name == "LLAMA_FLASH_ATTN_TYPE_ENABLED"
    assert params.load_mode.name == "LLAMA_LOAD_MODE_MLOCK"


@pytest.mark.parametrize(
    ("model", "threads"),
    [
        ({"MODEL": "/home/me/m.gguf"}, (6, 4)),
        ({"MODEL": "/opt/ml/model/m.gguf"}, (1, 1)),
        ({}, (1, 1)),
    ],
)
def test_threads_are_those_of_this_machine_for_its_own_files_only(
    model: dict[str, str], threads: tuple[int, int]
) -> None:
    given = {"THREADS": "6", "THREADS_BATCH": "4", **model}
    environment = {f"SM_LLAMA_CPP_{name}": value for name, value in given.items()}
    params = read_parameters(environment, Path("m.gguf"))
    assert (params.cpuparams.n_threads, params.cpuparams_batch.n_threads) == threads


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        (
            "HOST",
            "localhost",
            r"^error: invalid argument: --host \(the embedded llama-server has --",
        ),
        ("MAX_MODEL_LEN", "4096", "^error: invalid argument: --max-model-len"),
        ("CTX_SIZE", "", "^error: expected value for argument --ctx-size"),
        ("CTX_SIZE", "4k", 'error while handling argument "--ctx-size": .*4k'),
        ("THREADS", "0", 'error while handling argument "--threads"'),
        ("METRICS", "yes", "^error: invalid argument: yes"),
        ("REASONING_FORMAT", "loud", "unknown value 'loud', expected none, auto"),
        ("CHAT_TEMPLATE_FILE", "/nowhere.jinja", 'argument "--chat-template-file": .*nowhere'),
    ],
)
def test_flag_that_llama_server_does_not_take_is_refused(name: str, value: str, error: str) -> None:
    with pytest.raises(SettingsError, match=error):
        flags.apply(parameters(Path("m.gguf")), entrypoint.flags({f"SM_LLAMA_CPP_{name}": value}))


def test_model_is_the_named_file_or_the_first_of_the_model_data(tmp_path: Path) -> None:
    folder = {"SM_MODEL_DIR": str(tmp_path)}
    for name in ("b.gguf", "deep/a.gguf", "c.gguf", "config.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    assert find_model(folder) == tmp_path / "b.gguf"
    named = {"SM_LLAMA_CPP_MODEL": "/opt/ml/model/c.gguf"}
    assert find_model(folder | named) == tmp_path / "c.gguf"
    outside = {"SM_LLAMA_CPP_MODEL": str(tmp_path / "deep" / "a.gguf")}
    assert find_model(outside) == tmp_path / "deep" / "a.gguf"
    (tmp_path / "b.gguf").unlink()
    (tmp_path / "c.gguf").unlink()
    assert find_model(folder) == tmp_path / "deep" / "a.gguf"


def test_model_is_the_packaged_one_when_its_repository_is_named() -> None:
    assert find_model({"SM_LLAMA_CPP_HF_REPO": HUB_REPOSITORY}) == packaged.weights()
    assert find_model({"SM_LLAMA_CPP_HF_REPO": f"{HUB_REPOSITORY}:Q4_1"}) == packaged.weights()


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({}, r"no \*\.gguf found under /opt/ml/model: set SM_LLAMA_CPP_MODEL"),
        ({"SM_LLAMA_CPP_MODEL": "/nowhere.gguf"}, "must be a GGUF file, got '/nowhere.gguf'"),
        ({"SM_LLAMA_CPP_HF_REPO": "TheBloke/Mistral"}, "downloads nothing, got 'TheBloke/Mistral'"),
    ],
)
def test_model_that_is_not_there_is_refused(settings: dict[str, str], error: str) -> None:
    with pytest.raises(SettingsError, match=error):
        find_model(settings)
