"""llama-server's flags, and what they set."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xllamacpp

from embedded_aws.model_server.errors import SettingsError

_VERBOSE = 4

Apply = Callable[[xllamacpp.CommonParams, Any], None]


@dataclass(frozen=True)
class Flag:
    """What a flag's value is read as (None: it has none), and what it sets."""

    read: Callable[[str], Any] | None
    apply: Apply


def apply(params: xllamacpp.CommonParams, given: Iterable[tuple[str, str]]) -> None:
    """Set what flags and their values say; raises SettingsError in llama-server's words."""
    for name, value in given:
        flag = _FLAGS.get(name)
        if flag is None:
            known = ", ".join(_FLAGS)
            raise SettingsError(
                f"error: invalid argument: {name} (the embedded llama-server has {known})"
            )
        if flag.read is None:
            if value:  # llama-server would take it for the next flag
                raise SettingsError(f"error: invalid argument: {value}")
            flag.apply(params, None)
            continue
        if not value:
            raise SettingsError(f"error: expected value for argument {name}")
        try:
            flag.apply(params, flag.read(value))
        except (ValueError, OSError) as error:
            raise SettingsError(f'error while handling argument "{name}": {error}') from error


def _set(field: str) -> Apply:
    return lambda params, value: setattr(params, field, value)


def _turn(field: str, *, on: bool) -> Flag:
    return Flag(None, lambda params, _: setattr(params, field, on))


def _sample(field: str) -> Apply:
    return lambda params, value: setattr(params.sampling, field, value)


def _set_threads(*, of_batches_only: bool) -> Apply:
    def apply(params: xllamacpp.CommonParams, value: int) -> None:
        if value == 0:
            raise ValueError("threads must not be 0")
        if not of_batches_only:
            params.cpuparams.n_threads = value
        params.cpuparams_batch.n_threads = value

    return apply


def _set_timeouts(params: xllamacpp.CommonParams, seconds: int) -> None:
    params.timeout_read = params.timeout_write = seconds


def _lock(params: xllamacpp.CommonParams, _: None) -> None:
    is_mapped = params.load_mode != _LOAD.LLAMA_LOAD_MODE_NONE
    mapped, unmapped = _LOAD.LLAMA_LOAD_MODE_MMAP_MLOCK, _LOAD.LLAMA_LOAD_MODE_MLOCK
    params.load_mode = mapped if is_mapped else unmapped


def _do_not_map(params: xllamacpp.CommonParams, _: None) -> None:
    is_locked = params.load_mode == _LOAD.LLAMA_LOAD_MODE_MMAP_MLOCK
    locked, unlocked = _LOAD.LLAMA_LOAD_MODE_MLOCK, _LOAD.LLAMA_LOAD_MODE_NONE
    params.load_mode = locked if is_locked else unlocked


def _read_file(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def _read_aliases(text: str) -> set[str]:
    return {alias.strip() for alias in text.split(",")}


_REASONING = xllamacpp.common_reasoning_format
_REASONING_FORMATS = {
    "none": _REASONING.COMMON_REASONING_FORMAT_NONE,
    "auto": _REASONING.COMMON_REASONING_FORMAT_AUTO,
    "deepseek": _REASONING.COMMON_REASONING_FORMAT_DEEPSEEK,
    "deepseek-legacy": _REASONING.COMMON_REASONING_FORMAT_DEEPSEEK_LEGACY,
}


_FLASH = xllamacpp.llama_flash_attn_type
_FLASH_ATTENTION = {
    "on": _FLASH.LLAMA_FLASH_ATTN_TYPE_ENABLED,
    "off": _FLASH.LLAMA_FLASH_ATTN_TYPE_DISABLED,
    "auto": _FLASH.LLAMA_FLASH_ATTN_TYPE_AUTO,
}
_LOAD = xllamacpp.llama_load_mode


def _choice(choices: Mapping[str, Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:  # noqa: ANN401 - each flag has an enumeration of its own
        if text not in choices:
            raise ValueError(f"unknown value {text!r}, expected {', '.join(choices)}")
        return choices[text]

    return read


_FLAGS = {
    "--ctx-size": Flag(int, _set("n_ctx")),
    "--parallel": Flag(int, _set("n_parallel")),
    "--n-predict": Flag(int, _set("n_predict")),
    "--predict": Flag(int, _set("n_predict")),
    "--batch-size": Flag(int, _set("n_batch")),
    "--ubatch-size": Flag(int, _set("n_ubatch")),
    "--threads": Flag(int, _set_threads(of_batches_only=False)),
    "--threads-batch": Flag(int, _set_threads(of_batches_only=True)),
    "--threads-http": Flag(int, _set("n_threads_http")),
    "--timeout": Flag(int, _set_timeouts),
    "--alias": Flag(_read_aliases, _set("model_alias")),
    "--chat-template": Flag(str, _set("chat_template")),
    "--chat-template-file": Flag(_read_file, _set("chat_template")),
    "--jinja": _turn("use_jinja", on=True),
    "--no-jinja": _turn("use_jinja", on=False),
    "--reasoning-format": Flag(_choice(_REASONING_FORMATS), _set("reasoning_format")),
    "--cont-batching": _turn("cont_batching", on=True),
    "--no-cont-batching": _turn("cont_batching", on=False),
    "--kv-unified": _turn("kv_unified", on=True),
    "--no-kv-unified": _turn("kv_unified", on=False),
    "--context-shift": _turn("ctx_shift", on=True),
    "--no-context-shift": _turn("ctx_shift", on=False),
    "--cache-ram": Flag(int, _set("cache_ram_mib")),
    "--flash-attn": Flag(_choice(_FLASH_ATTENTION), _set("flash_attn_type")),
    "--mlock": Flag(None, _lock),
    "--no-mmap": Flag(None, _do_not_map),
    "--cache-prompt": _turn("cache_prompt", on=True),
    "--no-cache-prompt": _turn("cache_prompt", on=False),
    "--metrics": _turn("endpoint_metrics", on=True),
    "--slots": _turn("endpoint_slots", on=True),
    "--no-slots": _turn("endpoint_slots", on=False),
    "--warmup": _turn("warmup", on=True),
    "--no-warmup": _turn("warmup", on=False),
    "--special": _turn("special", on=True),
    "--verbose": Flag(None, lambda params, _: setattr(params, "verbosity", _VERBOSE)),
    "--seed": Flag(int, _sample("seed")),
    "--temp": Flag(float, _sample("temp")),
    "--top-k": Flag(int, _sample("top_k")),
    "--top-p": Flag(float, _sample("top_p")),
    "--min-p": Flag(float, _sample("min_p")),
    "--repeat-last-n": Flag(int, _sample("penalty_last_n")),
    "--repeat-penalty": Flag(float, _sample("penalty_repeat")),
    "--presence-penalty": Flag(float, _sample("penalty_present")),
    "--frequency-penalty": Flag(float, _sample("penalty_freq")),
    # what they name is found before
    "--hf-repo": Flag(str, lambda _params, _value: None),
    "--hf-file": Flag(str, lambda _params, _value: None),
}
