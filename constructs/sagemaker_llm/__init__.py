"""Constructs for a language model: its endpoint, the REST API in front, the fine-tuning behind."""

from .api_client import Client, Limit
from .api_settings import ApiSettings, Authentication, ControlTokens, Reservation
from .catalog import CATALOG, CatalogEntry, find_model
from .duties import Duties
from .endpoint_scaling import TargetTracking
from .function_assets import FunctionTarget
from .images import DLC_ACCOUNTS, TGI, TRAINING, Image
from .instances import gpu_count
from .invoke_api import InvokeApi
from .llm_endpoint import LlmEndpoint
from .log_keeping import LogKeeping
from .model_registry import ModelRegistry
from .model_release import ModelRelease
from .model_store import ModelStore
from .served_models import ServedModels
from .tuning_pipeline import TuningPipeline
from .tuning_settings import Approval, DataMode, TuningSettings
from .tuning_storage import TuningStorage
from .web_firewall import Firewall
from .weights import PackagedWeights, StagedWeights
from .weights_bucket import WeightsBucket

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
