# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

"""Contains all the data models used in inputs/outputs"""

from .agora_environment import AgoraEnvironment
from .agora_settings import AgoraSettings
from .cartesia_emotion import CartesiaEmotion
from .cartesia_sonic_3_voice_options import CartesiaSonic3VoiceOptions
from .client_config import ClientConfig
from .client_metadata import ClientMetadata
from .client_tool import ClientTool
from .client_tool_type import ClientToolType
from .daily_egress import DailyEgress
from .direct_start_request import DirectStartRequest
from .director_notes import DirectorNotes
from .egress import Egress
from .egress_mode import EgressMode
from .eleven_labs_agent_settings import ElevenLabsAgentSettings
from .eleven_labs_environment import ElevenLabsEnvironment
from .eleven_labs_v1_voice_options import ElevenLabsV1VoiceOptions
from .eleven_labs_v2_voice_options import ElevenLabsV2VoiceOptions
from .eleven_labs_values import ElevenLabsValues
from .engine_session import EngineSession
from .ephemeral_persona_config import EphemeralPersonaConfig
from .ephemeral_persona_type import EphemeralPersonaType
from .error_response import ErrorResponse
from .fish_audio_voice_options import FishAudioVoiceOptions
from .ice_server import IceServer
from .knowledge_tool import KnowledgeTool
from .knowledge_tool_subtype import KnowledgeToolSubtype
from .live_kit_environment import LiveKitEnvironment
from .persona_metadata import PersonaMetadata
from .region_policy import RegionPolicy
from .server_tool_type import ServerToolType
from .session_options import SessionOptions
from .session_replay_options import SessionReplayOptions
from .session_token_request import SessionTokenRequest
from .session_token_response import SessionTokenResponse
from .session_voice_detection import SessionVoiceDetection
from .stateful_persona_config import StatefulPersonaConfig
from .system_tool import SystemTool
from .system_tool_type import SystemToolType
from .token_start_options import TokenStartOptions
from .token_start_request import TokenStartRequest
from .tool_parameters import ToolParameters
from .video_quality import VideoQuality
from .voice_detection_options import VoiceDetectionOptions
from .voice_generation_options import VoiceGenerationOptions
from .webhook_headers import WebhookHeaders
from .webhook_query_parameters import WebhookQueryParameters
from .webhook_tool import WebhookTool
from .webhook_tool_subtype import WebhookToolSubtype

__all__ = (
    "AgoraEnvironment",
    "AgoraSettings",
    "CartesiaEmotion",
    "CartesiaSonic3VoiceOptions",
    "ClientConfig",
    "ClientMetadata",
    "ClientTool",
    "ClientToolType",
    "DailyEgress",
    "DirectorNotes",
    "DirectStartRequest",
    "Egress",
    "EgressMode",
    "ElevenLabsAgentSettings",
    "ElevenLabsEnvironment",
    "ElevenLabsV1VoiceOptions",
    "ElevenLabsV2VoiceOptions",
    "ElevenLabsValues",
    "EngineSession",
    "EphemeralPersonaConfig",
    "EphemeralPersonaType",
    "ErrorResponse",
    "FishAudioVoiceOptions",
    "IceServer",
    "KnowledgeTool",
    "KnowledgeToolSubtype",
    "LiveKitEnvironment",
    "PersonaMetadata",
    "RegionPolicy",
    "ServerToolType",
    "SessionOptions",
    "SessionReplayOptions",
    "SessionTokenRequest",
    "SessionTokenResponse",
    "SessionVoiceDetection",
    "StatefulPersonaConfig",
    "SystemTool",
    "SystemToolType",
    "TokenStartOptions",
    "TokenStartRequest",
    "ToolParameters",
    "VideoQuality",
    "VoiceDetectionOptions",
    "VoiceGenerationOptions",
    "WebhookHeaders",
    "WebhookQueryParameters",
    "WebhookTool",
    "WebhookToolSubtype",
)
