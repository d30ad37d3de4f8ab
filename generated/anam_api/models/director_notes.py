# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="DirectorNotes")


@_attrs_define
class DirectorNotes:
    """How the avatar acts. For cara-4 only; cara-3 drops it without a word. A preset or a prompt of one's own, never both."""

    preset_style: str | Unset = UNSET
    """ A ready-made style. """
    custom_style_prompt: str | Unset = UNSET
    """ A style in one's own words. """
    expressivity: float | Unset = UNSET
    """ How strongly the style shows. Finite. 0.5 when left out. """

    def to_dict(self) -> dict[str, Any]:
        preset_style = self.preset_style

        custom_style_prompt = self.custom_style_prompt

        expressivity = self.expressivity

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if preset_style is not UNSET:
            field_dict["presetStyle"] = preset_style
        if custom_style_prompt is not UNSET:
            field_dict["customStylePrompt"] = custom_style_prompt
        if expressivity is not UNSET:
            field_dict["expressivity"] = expressivity

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        preset_style = d.pop("presetStyle", UNSET)

        custom_style_prompt = d.pop("customStylePrompt", UNSET)

        expressivity = d.pop("expressivity", UNSET)

        director_notes = cls(
            preset_style=preset_style,
            custom_style_prompt=custom_style_prompt,
            expressivity=expressivity,
        )

        return director_notes
