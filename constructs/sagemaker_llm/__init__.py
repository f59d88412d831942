"""Constructs for a language model: its endpoint, the REST API in front, the fine-tuning behind."""

from .common import sources  # noqa: F401  # isort: skip  # first: it makes others' imports work

from .api.client import Client, Limit
from .api.firewall import Firewall
from .api.invoke_api import InvokeApi
from .api.overload import OverloadAlarms
from .api.settings import ApiSettings, Authentication, ControlTokens, Reservation
from .common.function_assets import FunctionTarget
from .common.log_keeping import LogKeeping
from .common.s3_prefix import S3Prefix
from .models.adapter import Adapter
from .models.catalog import CATALOG, CatalogEntry, find_model
from .models.images import TRAINING, Image
from .models.limits import RequestLimits
from .models.prompts import PromptFormat, Tokenizer
from .models.servers.llama_cpp import (
    LLAMA_CPP,
    LLAMA_CPP_ARM64_IMAGE,
    LLAMA_CPP_IMAGE,
    LlamaCpp,
)
from .models.servers.server import Server
from .models.servers.tgi import TGI, TGI_IMAGE, Tgi
from .models.servers.vllm import VLLM, VLLM_IMAGE, Vllm
from .models.shape import ModelShape
from .models.weights import (
    FileWeights,
    JumpStartWeights,
    PackagedWeights,
    StagedGguf,
    StagedWeights,
)
from .release.registry import ModelRegistry
from .release.release import ModelRelease
from .release.storage import TuningStorage
from .release.store import ModelStore
from .serving.endpoint import LlmEndpoint
from .serving.published_endpoint import PublishedEndpoint
from .serving.tracking import TargetTracking
from .serving.updates import GuardedUpdates, UpdateStrategy
from .serving.weights_bucket import WeightsBucket
from .sizing.cost import cheapest_hosting
from .sizing.formula.profile import published_profile, read_profile
from .sizing.formula.workload import (
    FLAT_DAY,
    OFFICE_DAY,
    SINE_DAY,
    Objective,
    RequestShape,
    Workload,
)
from .sizing.hosting import ManagedInstances, OnDemand
from .sizing.load import Fixed, Load, Tracked
from .sizing.sizing import Sizing
from .tuning.duties import Duties
from .tuning.fine_tuning import FineTuning
from .tuning.pipeline.pipeline import TuningPipeline
from .tuning.settings import Approval, DataMode, TuningSettings

__all__ = [
    "CATALOG",
    "FLAT_DAY",
    "LLAMA_CPP",
    "LLAMA_CPP_ARM64_IMAGE",
    "LLAMA_CPP_IMAGE",
    "OFFICE_DAY",
    "SINE_DAY",
    "TGI",
    "TGI_IMAGE",
    "TRAINING",
    "VLLM",
    "VLLM_IMAGE",
    "Adapter",
    "ApiSettings",
    "Approval",
    "Authentication",
    "CatalogEntry",
    "Client",
    "ControlTokens",
    "DataMode",
    "Duties",
    "FileWeights",
    "FineTuning",
    "Firewall",
    "Fixed",
    "FunctionTarget",
    "GuardedUpdates",
    "Image",
    "InvokeApi",
    "JumpStartWeights",
    "Limit",
    "LlamaCpp",
    "LlmEndpoint",
    "Load",
    "LogKeeping",
    "ManagedInstances",
    "ModelRegistry",
    "ModelRelease",
    "ModelShape",
    "ModelStore",
    "Objective",
    "OnDemand",
    "OverloadAlarms",
    "PackagedWeights",
    "PromptFormat",
    "PublishedEndpoint",
    "RequestLimits",
    "RequestShape",
    "Reservation",
    "S3Prefix",
    "Server",
    "Sizing",
    "StagedGguf",
    "StagedWeights",
    "TargetTracking",
    "Tgi",
    "Tokenizer",
    "Tracked",
    "TuningPipeline",
    "TuningSettings",
    "TuningStorage",
    "UpdateStrategy",
    "Vllm",
    "WeightsBucket",
    "Workload",
    "cheapest_hosting",
    "find_model",
    "published_profile",
    "read_profile",
]
