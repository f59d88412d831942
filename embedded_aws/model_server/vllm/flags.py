"""The flags of vLLM's server, of which those that show on the wire are honoured."""

import argparse
import re
from collections.abc import Sequence
from typing import NoReturn

from embedded_aws.model_server.errors import SettingsError

_MULTIPLIERS = {
    **{letter: 1000**power for power, letter in enumerate("kmgt", 1)},
    **{letter: 1024**power for power, letter in enumerate("KMGT", 1)},
}
# vLLM's own, for the GPU's memory and speed and for its logs: here they have nothing to act on.
_NUMBERS = (
    *("tensor-parallel-size", "pipeline-parallel-size", "data-parallel-size", "block-size"),
    *("max-num-batched-tokens", "max-loras", "max-lora-rank", "max-cpu-loras", "api-server-count"),
    *("num-gpu-blocks-override", "max-parallel-loading-workers", "stream-interval", "max-log-len"),
    *("max-num-partial-prefills", "max-long-partial-prefills", "long-prefill-token-threshold"),
)
_FRACTIONS = ("gpu-memory-utilization", "cpu-offload-gb", "kv-offloading-size")
_TEXTS = (
    *("quantization", "load-format", "tokenizer", "tokenizer-mode", "config-format", "revision"),
    *("code-revision", "tokenizer-revision", "download-dir", "attention-backend", "hf-overrides"),
    *("compilation-config", "kv-transfer-config", "speculative-config", "scheduling-policy"),
    *("distributed-executor-backend", "model-impl", "kv-cache-dtype", "hf-token", "runner"),
    *("chat-template-content-format", "uvicorn-log-level", "optimization-level", "host"),
    *("prefix-caching-hash-algo", "model-loader-extra-config", "override-generation-config"),
    *("kv-cache-memory-bytes", "lora-dtype", "mm-processor-kwargs", "limit-mm-per-prompt"),
)
_SWITCHES = (
    *("enforce-eager", "enable-prefix-caching", "enable-chunked-prefill", "trust-remote-code"),
    *(
        "disable-log-stats",
        "disable-custom-all-reduce",
        "disable-sliding-window",
        "async-scheduling",
    ),
    *("enable-log-requests", "enable-log-outputs", "disable-uvicorn-access-log", "enable-lora"),
    *("enable-expert-parallel", "enable-sleep-mode", "use-tqdm-on-load", "log-error-stack"),
    *("enable-server-load-tracking", "disable-fastapi-docs", "fully-sharded-loras"),
)
_DTYPES = ("auto", "bfloat16", "float", "float16", "float32", "half")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{self.prog}: error: {message}")


class Flags(argparse.Namespace):
    """The flags that are honoured."""

    model: str
    served_model_name: list[str] | None
    max_model_len: int | None
    max_num_seqs: int | None
    max_logprobs: int
    chat_template: str | None
    enable_lora: bool
    max_lora_rank: int | None
    enable_force_include_usage: bool

    @property
    def names(self) -> list[str]:
        """The names that the model answers to."""
        return self.served_model_name or [self.model]


def parse(arguments: Sequence[str]) -> Flags:
    """Read the arguments; raises SettingsError in argparse's words, as vLLM ends."""
    parser = _Parser("api_server.py", add_help=False)
    parser.add_argument("--model", required=True)
    parser.add_argument("--served-model-name", nargs="+")
    parser.add_argument("--max-model-len", type=_length)
    parser.add_argument("--max-num-seqs", type=_size)
    parser.add_argument("--max-logprobs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--chat-template")
    parser.add_argument("--generation-config", default="auto")
    parser.add_argument("--dtype", choices=_DTYPES)
    parser.add_argument("--port", type=int)
    switches = ("enable-force-include-usage", "enable-prompt-tokens-details", *_SWITCHES)
    for name in switches:
        parser.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, default=False)
    for names, kind in ((_NUMBERS, _size), (_FRACTIONS, float), (_TEXTS, str)):
        for name in names:
            parser.add_argument(f"--{name}", type=kind)
    return parser.parse_args(arguments, Flags())


def _size(text: str) -> int:
    """Read a whole number, which may end in k (1,000), K (1,024), and so on."""
    if matched := re.fullmatch(r"(\d+(?:\.\d+)?)([kmgtKMGT])", text.strip()):
        number, letter = matched.groups()
        return int(float(number) * _MULTIPLIERS[letter])
    return int(text)


def _length(text: str) -> int | None:
    return None if text.strip().lower() in {"-1", "auto"} else _size(text)


_size.__name__ = _length.__name__ = "int"  # as argparse calls the type in an error
