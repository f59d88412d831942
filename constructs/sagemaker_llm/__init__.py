"""Constructs for a language model: its endpoint, the REST API in front, the fine-tuning behind."""

from .api.client import Client, Limit
from .api.firewall import Firewall
from .api.invoke_api import InvokeApi
from .api.settings import ApiSettings, Authentication, ControlTokens, Reservation
from .common.function_assets import FunctionTarget
from .common.log_keeping import LogKeeping
from .models.catalog import CATALOG, CatalogEntry, find_model
from .models.images import DLC_ACCOUNTS, TGI, TRAINING, Image
from .models.instances import gpu_count
from .models.weights import PackagedWeights, StagedWeights
from .release.registry import ModelRegistry
from .release.release import ModelRelease
from .release.served_models import ServedModels
from .release.storage import TuningStorage
from .release.store import ModelStore
from .serving.endpoint import LlmEndpoint
from .serving.scaling import TargetTracking
from .serving.weights_bucket import WeightsBucket
from .tuning.duties import Duties
from .tuning.pipeline.pipeline import TuningPipeline
from .tuning.settings import Approval, DataMode, TuningSettings

__all__ = [
    "CATALOG",
    "DLC_ACCOUNTS",
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
    "Firewall",
    "FunctionTarget",
    "Image",
    "InvokeApi",
    "Limit",
    "LlmEndpoint",
    "LogKeeping",
    "ModelRegistry",
    "ModelRelease",
    "ModelStore",
    "PackagedWeights",
    "Reservation",
    "ServedModels",
    "StagedWeights",
    "TargetTracking",
    "TuningPipeline",
    "TuningSettings",
    "TuningStorage",
    "WeightsBucket",
    "find_model",
    "gpu_count",
]
