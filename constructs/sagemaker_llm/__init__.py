"""Constructs for a language model: its endpoint, the REST API in front, the fine-tuning behind."""

from .common import sources  # noqa: F401  # isort: skip  # first: it makes others' imports work

from .api.client import Client, Limit
from .api.firewall import Firewall
from .api.invoke_api import InvokeApi
from .api.settings import ApiSettings, Authentication, ControlTokens, Reservation
from .common.function_assets import FunctionTarget
from .common.log_keeping import LogKeeping
from .common.s3_prefix import S3Prefix
from .models.catalog import CATALOG, CatalogEntry, find_model
from .models.images import TGI, TRAINING, Image, registry_account
from .models.limits import TgiLimits
from .models.prompts import PromptFormat, Tokenizer
from .models.weights import JumpStartWeights, PackagedWeights, StagedWeights
from .release.registry import ModelRegistry
from .release.release import ModelRelease
from .release.storage import TuningStorage
from .release.store import ModelStore
from .serving.endpoint import LlmEndpoint
from .serving.published_endpoint import PublishedEndpoint
from .serving.scaling import TargetTracking
from .serving.updates import GuardedUpdates, UpdateStrategy
from .serving.weights_bucket import WeightsBucket
from .tuning.duties import Duties
from .tuning.fine_tuning import FineTuning
from .tuning.pipeline.pipeline import TuningPipeline
from .tuning.settings import Approval, DataMode, TuningSettings

__all__ = [
    "CATALOG",
    "TGI",
    "TRAINING",
    "ApiSettings",
    "Approval",
    "Authentication",
    "CatalogEntry",
    "Client",
    "ControlTokens",
    "DataMode",
    "Duties",
    "FineTuning",
    "Firewall",
    "FunctionTarget",
    "GuardedUpdates",
    "Image",
    "InvokeApi",
    "JumpStartWeights",
    "Limit",
    "LlmEndpoint",
    "LogKeeping",
    "ModelRegistry",
    "ModelRelease",
    "ModelStore",
    "PackagedWeights",
    "PromptFormat",
    "PublishedEndpoint",
    "Reservation",
    "S3Prefix",
    "StagedWeights",
    "TargetTracking",
    "TgiLimits",
    "Tokenizer",
    "TuningPipeline",
    "TuningSettings",
    "TuningStorage",
    "UpdateStrategy",
    "WeightsBucket",
    "find_model",
    "registry_account",
]
