"""The application of this process, for `uvicorn invoke_proxy.app:app`."""

import os

from invoke_proxy.application import create_application
from invoke_proxy.sagemaker.runtime import sagemaker_runtime
from invoke_proxy.settings import Settings
from invoke_proxy.tokens import load

app = create_application(Settings.from_environment(os.environ), sagemaker_runtime, load)
