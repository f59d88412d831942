"""The entry point of AWS's vLLM image: it makes vLLM's arguments from the environment."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from embedded_aws.model_server.errors import SettingsError
from embedded_aws.model_server.weights import MODEL_DATA_ID

_PREFIX = "SM_VLLM_"
# Their values are lists in themselves, where other flags take one argument for each element.
_WHOLE = {"--allowed-origins", "--allowed-methods", "--allowed-headers", "--middleware"}


def arguments(environment: Mapping[str, str], model_data: Path) -> list[str]:
    """Return the arguments of vLLM's server; raises SettingsError when no model is named."""
    found = ["--port", "8080", *_model(environment, model_data)]
    for name in sorted(name for name in environment if name.startswith(_PREFIX)):
        value = environment[name]
        flag = f"--{name.removeprefix(_PREFIX).lower().replace('_', '-')}"
        match value.strip().lower():
            case "true" | "":
                found.append(flag)
            case "false":
                pass
            case _:
                values = _values(flag, value)
                found += [flag, *values] if values else []  # no flag takes an empty list
    return found


def _model(environment: Mapping[str, str], model_data: Path) -> Iterator[str]:
    if environment.get(f"{_PREFIX}MODEL"):
        return  # a flag like any other
    if model_data.is_dir() and any(model_data.iterdir()):
        yield from ("--model", MODEL_DATA_ID)
    elif environment.get("HF_MODEL_ID"):
        yield from ("--model", environment["HF_MODEL_ID"])
    else:
        # The image only warns; vLLM then downloads its own default model.
        raise SettingsError(
            f"no model specified: set {_PREFIX}MODEL or HF_MODEL_ID, or mount one to "
            f"{MODEL_DATA_ID}"
        )


def _values(flag: str, value: str) -> list[str]:
    """Return the arguments that a value becomes: JSON lists are spread, all else stays whole."""
    stripped = value.strip()
    if flag not in _WHOLE and stripped.startswith("[") and stripped.endswith("]"):
        try:
            return [_argument(element) for element in json.loads(stripped)]
        except ValueError:
            return [value]
    if flag not in _WHOLE and len(objects := _objects(stripped)) > 1:
        return [_argument(each) for each in objects]
    return [value]


def _argument(element: object) -> str:
    if element is None:
        return ""
    if isinstance(element, dict | list | bool):
        return json.dumps(element, separators=(",", ":"))
    return str(element)


def _objects(text: str) -> list[dict[str, object]]:
    """Return the JSON objects that a text is a row of; none when it is anything else."""
    decoder, position = json.JSONDecoder(), 0
    found: list[dict[str, object]] = []
    while position < len(text):
        try:
            element, end = decoder.raw_decode(text, position)
        except ValueError:
            return []
        if not isinstance(element, dict):
            return []
        found.append(element)
        position = end + len(text[end:]) - len(text[end:].lstrip())
    return found
