# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

from ..models.egress_mode import EgressMode, check_egress_mode

if TYPE_CHECKING:
    from ..models.daily_egress import DailyEgress


T = TypeVar("T", bound="Egress")


@_attrs_define
class Egress:
    """Publishes the avatar straight into another provider's room. Experimental. Needs `enableAudioPassthrough` on the
    persona
    and cara-4, and excludes the session replay.

    """

    mode: EgressMode
    """ The provider of the room. """
    daily: DailyEgress
    """ A Daily room that the avatar joins. """

    def to_dict(self) -> dict[str, Any]:
        mode: str = self.mode

        daily = self.daily.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "mode": mode,
                "daily": daily,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.daily_egress import DailyEgress  # noqa: PLC0415

        d = dict(src_dict)
        mode = check_egress_mode(d.pop("mode"))

        daily = DailyEgress.from_dict(d.pop("daily"))

        egress = cls(
            mode=mode,
            daily=daily,
        )

        return egress
