"""The settings that the serving container reads beside a model's own fields, and what each may be.

TGI 1.1.0's launcher and server, SageMaker's entry point in its image, and what JumpStart sets
(its source at v1.1.0). Left out is what needs a network, which the container has not.
"""

from collections.abc import Mapping
from types import MappingProxyType

from allowed_values.rules import Choice, Pattern, Range, RefusedValueError, Rule, check, read_text

_Setting = tuple[type, tuple[Rule, ...]]

_FLAG: _Setting = (str, (Choice(("true", "false")),))
_SWITCH: _Setting = (str, (Choice(("0", "1")),))
_SECONDS: _Setting = (int, (Range(at_least=1, at_most=3600),))
_COUNT: _Setting = (int, (Range(at_least=1, at_most=10_000),))
_QUANTIZE: _Setting = (
    str,
    (Choice(("awq", "bitsandbytes", "bitsandbytes-fp4", "bitsandbytes-nf4", "eetq", "gptq")),),
)
# Another line could end the variable; SageMaker takes 1,024 characters.
_TEXT: _Setting = (str, (Pattern(r"[ -~]{1,1024}", "1 to 1024 printable ASCII characters"),))

CONTAINER_SETTINGS: Mapping[str, _Setting] = MappingProxyType(
    {
        "CUDA_MEMORY_FRACTION": (float, (Range(above=0, at_most=1),)),
        "DISABLE_CUSTOM_KERNELS": _FLAG,
        "DTYPE": (str, (Choice(("bfloat16", "float16")),)),
        "ENDPOINT_SERVER_TIMEOUT": _SECONDS,
        "HF_HUB_OFFLINE": _SWITCH,
        "HF_MODEL_QUANTIZE": _QUANTIZE,
        "HF_MODEL_TRUST_REMOTE_CODE": _FLAG,
        "HF_TASK": (str, (Choice(("text-generation",)),)),
        "JSON_OUTPUT": _FLAG,
        "MAX_BEST_OF": _COUNT,
        "MAX_STOP_SEQUENCES": _COUNT,
        "MAX_TOP_N_TOKENS": _COUNT,
        "MAX_WAITING_TOKENS": _COUNT,
        "MODEL_CACHE_ROOT": _TEXT,
        "PYTORCH_CUDA_ALLOC_CONF": _TEXT,
        "QUANTIZE": _QUANTIZE,
        "ROPE_FACTOR": (float, (Range(at_least=1, at_most=64),)),
        "ROPE_SCALING": (str, (Choice(("dynamic", "linear")),)),
        "RUST_BACKTRACE": (str, (Choice(("0", "1", "full")),)),
        "SAGEMAKER_CONTAINER_LOG_LEVEL": (int, (Choice((10, 20, 30, 40, 50)),)),
        "SAGEMAKER_ENV": _SWITCH,
        "SAGEMAKER_MODEL_SERVER_TIMEOUT": _SECONDS,
        "SAGEMAKER_MODEL_SERVER_WORKERS": _COUNT,
        "SAGEMAKER_PROGRAM": _TEXT,
        "SHARDED": _FLAG,
        "TRANSFORMERS_OFFLINE": _SWITCH,
        "TRUST_REMOTE_CODE": _FLAG,
        "USE_FLASH_ATTENTION": _FLAG,
        "VALIDATION_WORKERS": (int, (Range(at_least=1, at_most=128),)),
        "WAITING_SERVED_RATIO": (float, (Range(above=0, at_most=100),)),
        "WATERMARK_DELTA": (float, (Range(at_least=0, at_most=100),)),
        "WATERMARK_GAMMA": (float, (Range(above=0, below=1),)),
    }
)


def check_container_settings(given: Mapping[str, str]) -> None:
    """Raise ValueError for settings that the server does not know, or could not read."""
    for name, text in given.items():
        if name not in CONTAINER_SETTINGS:
            raise RefusedValueError(
                f"container_settings must be of {', '.join(CONTAINER_SETTINGS)}, which TGI 1.1.0"
                f" and its image read, got {name!r}"
            )
        kind, rules = CONTAINER_SETTINGS[name]
        label = f"{name} of container_settings"
        check(label, read_text(label, text, kind), kind, rules)
    if ("ROPE_SCALING" in given) != ("ROPE_FACTOR" in given):
        raise RefusedValueError(
            "ROPE_SCALING and ROPE_FACTOR of container_settings must be given together,"
            f" got {', '.join(sorted(given))}"
        )
