# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from typing import Literal

CartesiaEmotion = Literal["angry", "calm", "content", "neutral", "sad", "scared"]

CARTESIA_EMOTION_VALUES: set[CartesiaEmotion] = {
    "angry",
    "calm",
    "content",
    "neutral",
    "sad",
    "scared",
}


def check_cartesia_emotion(value: str) -> CartesiaEmotion:
    if value in CARTESIA_EMOTION_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CARTESIA_EMOTION_VALUES!r}")
