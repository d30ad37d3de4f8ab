# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

from ..models.region_policy import RegionPolicy, check_region_policy
from ..models.video_quality import VideoQuality, check_video_quality
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.egress import Egress
    from ..models.session_replay_options import SessionReplayOptions
    from ..models.session_voice_detection import SessionVoiceDetection


T = TypeVar("T", bound="SessionOptions")


@_attrs_define
class SessionOptions:
    """How the session is recorded, encoded, placed and delivered."""

    session_replay: SessionReplayOptions | Unset = UNSET
    """ Recording of the session. """
    video_quality: VideoQuality | Unset = UNSET
    """ Pin the quality high, or let it follow the network. """
    video_width: int | Unset = UNSET
    """ Width of the video in pixels; goes with `videoHeight`. Sizes known today: 720×480 with cara-3; 1152×768 and
    768×1152
    with cara-4, limited further by the avatar's own versions. Any other is refused at the start, never replaced.
     """
    video_height: int | Unset = UNSET
    """ Height of the video in pixels; goes with `videoWidth`. """
    show_ai_avatar_disclosure: bool | Unset = False
    """ Show a mark in the video that says it is an AI avatar. """
    region: str | Unset = UNSET
    """ Where the engine should run. `us` is an older name. """
    region_policy: RegionPolicy | Unset = UNSET
    """ `preferred` may run elsewhere when the region is full; `strict` may not, and needs `region`. `preferred`
    when left out.
     """
    egress: Egress | Unset = UNSET
    """ Publishes the avatar straight into another provider's room. Experimental. Needs `enableAudioPassthrough` on
    the persona
    and cara-4, and excludes the session replay.
     """
    voice_detection: SessionVoiceDetection | Unset = UNSET
    """ Voice detection for this session only. With a session token it belongs into the start; nobody is known to
    send it when
    minting.
     """

    def to_dict(self) -> dict[str, Any]:
        session_replay: dict[str, Any] | Unset = UNSET
        if not isinstance(self.session_replay, Unset):
            session_replay = self.session_replay.to_dict()

        video_quality: str | Unset = UNSET
        if not isinstance(self.video_quality, Unset):
            video_quality = self.video_quality

        video_width = self.video_width

        video_height = self.video_height

        show_ai_avatar_disclosure = self.show_ai_avatar_disclosure

        region = self.region

        region_policy: str | Unset = UNSET
        if not isinstance(self.region_policy, Unset):
            region_policy = self.region_policy

        egress: dict[str, Any] | Unset = UNSET
        if not isinstance(self.egress, Unset):
            egress = self.egress.to_dict()

        voice_detection: dict[str, Any] | Unset = UNSET
        if not isinstance(self.voice_detection, Unset):
            voice_detection = self.voice_detection.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if session_replay is not UNSET:
            field_dict["sessionReplay"] = session_replay
        if video_quality is not UNSET:
            field_dict["videoQuality"] = video_quality
        if video_width is not UNSET:
            field_dict["videoWidth"] = video_width
        if video_height is not UNSET:
            field_dict["videoHeight"] = video_height
        if show_ai_avatar_disclosure is not UNSET:
            field_dict["showAIAvatarDisclosure"] = show_ai_avatar_disclosure
        if region is not UNSET:
            field_dict["region"] = region
        if region_policy is not UNSET:
            field_dict["regionPolicy"] = region_policy
        if egress is not UNSET:
            field_dict["egress"] = egress
        if voice_detection is not UNSET:
            field_dict["voiceDetection"] = voice_detection

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.egress import Egress  # noqa: PLC0415
        from ..models.session_replay_options import SessionReplayOptions  # noqa: PLC0415
        from ..models.session_voice_detection import SessionVoiceDetection  # noqa: PLC0415

        d = dict(src_dict)
        _session_replay = d.pop("sessionReplay", UNSET)
        session_replay: SessionReplayOptions | Unset
        if isinstance(_session_replay, Unset):
            session_replay = UNSET
        else:
            session_replay = SessionReplayOptions.from_dict(_session_replay)

        _video_quality = d.pop("videoQuality", UNSET)
        video_quality: VideoQuality | Unset
        if isinstance(_video_quality, Unset):
            video_quality = UNSET
        else:
            video_quality = check_video_quality(_video_quality)

        video_width = d.pop("videoWidth", UNSET)

        video_height = d.pop("videoHeight", UNSET)

        show_ai_avatar_disclosure = d.pop("showAIAvatarDisclosure", UNSET)

        region = d.pop("region", UNSET)

        _region_policy = d.pop("regionPolicy", UNSET)
        region_policy: RegionPolicy | Unset
        if isinstance(_region_policy, Unset):
            region_policy = UNSET
        else:
            region_policy = check_region_policy(_region_policy)

        _egress = d.pop("egress", UNSET)
        egress: Egress | Unset
        if isinstance(_egress, Unset):
            egress = UNSET
        else:
            egress = Egress.from_dict(_egress)

        _voice_detection = d.pop("voiceDetection", UNSET)
        voice_detection: SessionVoiceDetection | Unset
        if isinstance(_voice_detection, Unset):
            voice_detection = UNSET
        else:
            voice_detection = SessionVoiceDetection.from_dict(_voice_detection)

        session_options = cls(
            session_replay=session_replay,
            video_quality=video_quality,
            video_width=video_width,
            video_height=video_height,
            show_ai_avatar_disclosure=show_ai_avatar_disclosure,
            region=region,
            region_policy=region_policy,
            egress=egress,
            voice_detection=voice_detection,
        )

        return session_options
