# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from typing import Literal

VideoQuality = Literal["auto", "high"]

VIDEO_QUALITY_VALUES: set[VideoQuality] = {
    "auto",
    "high",
}


def check_video_quality(value: str) -> VideoQuality:
    if value in VIDEO_QUALITY_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {VIDEO_QUALITY_VALUES!r}")
