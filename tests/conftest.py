"""What holds for one transport holds for all: tests that meet real sockets run over each of them."""

from __future__ import annotations

import pytest

TRANSPORTS = ("httpx", "fast")


@pytest.fixture(autouse=True)
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The transport of clients that are not given one."""
    name = getattr(request, "param", "httpx")
    monkeypatch.setattr("anam_facade.client.DEFAULT_TRANSPORT", name)
    return name


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker("every_transport") and not metafunc.definition.get_closest_marker(
        "httpx_only"
    ):
        metafunc.parametrize("transport", TRANSPORTS, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The fast transport is for asyncio."""
    kept, dropped = [], []
    for item in items:
        values = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        on_trio = "trio" in (values.get("flavour"), values.get("anyio_backend"))
        (dropped if on_trio and values.get("transport") == "fast" else kept).append(item)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept
