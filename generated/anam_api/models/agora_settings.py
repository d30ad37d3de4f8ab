# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="AgoraSettings")


@_attrs_define
class AgoraSettings:
    """Which channel, and how the avatar is published there."""

    app_id: str
    """ Id of the Agora project. """
    token: str
    """ Agora token with which the avatar joins. A credential; treat it as secret. """
    channel: str
    """ Name of the channel. """
    uid: str
    """ Under which user id the avatar joins. """
    quality: str
    """ Quality of the video. """
    video_encoding: str
    """ Codec of the video. """
    enable_string_uids: bool
    """ Whether the channel's user ids are strings. """
    activity_idle_timeout: int | Unset = UNSET
    """ Seconds without activity after which the session ends. 120 when left out. """
    width: int | Unset = UNSET
    """ Width of the video in pixels. """
    height: int | Unset = UNSET
    """ Height of the video in pixels. """

    def to_dict(self) -> dict[str, Any]:
        app_id = self.app_id

        token = self.token

        channel = self.channel

        uid = self.uid

        quality = self.quality

        video_encoding = self.video_encoding

        enable_string_uids = self.enable_string_uids

        activity_idle_timeout = self.activity_idle_timeout

        width = self.width

        height = self.height

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "appId": app_id,
                "token": token,
                "channel": channel,
                "uid": uid,
                "quality": quality,
                "videoEncoding": video_encoding,
                "enableStringUids": enable_string_uids,
            }
        )
        if activity_idle_timeout is not UNSET:
            field_dict["activityIdleTimeout"] = activity_idle_timeout
        if width is not UNSET:
            field_dict["width"] = width
        if height is not UNSET:
            field_dict["height"] = height

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        app_id = d.pop("appId")

        token = d.pop("token")

        channel = d.pop("channel")

        uid = d.pop("uid")

        quality = d.pop("quality")

        video_encoding = d.pop("videoEncoding")

        enable_string_uids = d.pop("enableStringUids")

        activity_idle_timeout = d.pop("activityIdleTimeout", UNSET)

        width = d.pop("width", UNSET)

        height = d.pop("height", UNSET)

        agora_settings = cls(
            app_id=app_id,
            token=token,
            channel=channel,
            uid=uid,
            quality=quality,
            video_encoding=video_encoding,
            enable_string_uids=enable_string_uids,
            activity_idle_timeout=activity_idle_timeout,
            width=width,
            height=height,
        )

        return agora_settings
