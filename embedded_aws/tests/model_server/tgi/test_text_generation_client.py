"""The `text-generation` client against the model server; `make .venv-tgi/installed` sets it up."""

import os
import subprocess

from embedded_aws.tests.model_server.conftest import ROOT, ModelServer

SUITE = ROOT / "tests/clients/text_generation"


def test_text_generation_client_gets_what_tgi_answers(server: ModelServer) -> None:
    ended = subprocess.run(
        [ROOT / ".venv-tgi/bin/python", "-m", "pytest", "-c", SUITE.parent / "checks.ini", SUITE],
        env={**os.environ, "TGI_URL": str(server.http.base_url)},
        cwd=SUITE,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
