import subprocess
import sys

import jsonschema  # type: ignore[import-untyped]  # has no stubs
import pytest

from invoke_proxy.schemas import REQUEST_TYPES, request_schema

_REQUIRED = {
    "ChatRequest": ["messages"],
    "CompletionRequest": ["prompt"],
    "GenerateRequest": ["inputs"],
}


@pytest.mark.parametrize("name", REQUEST_TYPES)
def test_a_request_schema_asks_for_what_no_request_goes_without(name: str) -> None:
    schema = request_schema(name)
    jsonschema.Draft4Validator.check_schema(schema)
    assert schema["required"] == _REQUIRED[name]


@pytest.mark.parametrize("name", REQUEST_TYPES)
def test_a_request_schema_leaves_wrong_types_to_the_proxy(name: str) -> None:
    validator = jsonschema.Draft4Validator(request_schema(name))
    (field,) = _REQUIRED[name]
    assert validator.is_valid({field: 1, "temperature": "hot"})
    assert not validator.is_valid({})
    assert not validator.is_valid([])


@pytest.mark.parametrize("module", ["schemas", "http.errors"])
def test_what_synth_imports_needs_msgspec_only(module: str) -> None:
    script = (
        f"import sys, invoke_proxy.{module}\n"
        "sys.exit(bool({'starlette', 'botocore', 'h11', 'uvicorn'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", script], cwd="lambda", check=True)
