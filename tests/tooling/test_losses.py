"""The losses that `interop/languages/*/language.toml` lists for every body of a schema."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "interop"))

from scenario import Body, Loss, abbreviated, spelt_out

BODIES = [
    Body("empty", "EngineSession", {"sessionId": "1"}),
    Body("bare", "EngineSession", {"sessionId": "1", "clientConfig": {}}),
    Body("also bare", "EngineSession", {"sessionId": "2", "clientConfig": {"extra": [{"a/b": 1}]}}),
    Body("third", "EngineSession", {"sessionId": "3", "clientConfig": {}}),
    Body("full", "EngineSession", {"sessionId": "1", "clientConfig": {"interval": None}}),
    Body("error", "ErrorResponse", {"clientConfig": {}}),
]


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("added /clientConfig/interval", ("bare", "also bare", "third")),
        ("lost /clientConfig/interval", ("full",)),
        ("lost /clientConfig/extra/0/a~1b", ("also bare",)),
        ("added /region", ("empty", "bare", "also bare", "third", "full")),
    ],
)
def test_every_means_the_bodies_of_the_schema_in_which_it_can_happen(what: str, names: tuple[str, ...]) -> None:
    assert spelt_out(Loss(what, every=("EngineSession",)), BODIES) == Loss(what, names)


def test_every_can_leave_out_bodies_that_have_something() -> None:
    loss = Loss("added /region", every=("EngineSession", "ErrorResponse"), without="/clientConfig/interval")
    assert spelt_out(loss, BODIES).bodies == ("empty", "bare", "also bare", "third", "error")


def test_a_loss_with_bodies_stays_as_it_is() -> None:
    loss = Loss("lost /clientConfig/interval", ("nowhere",))
    assert spelt_out(loss, BODIES) == loss


@pytest.mark.parametrize("what", ["added /sessionId", "lost /region", "added /clientConfig/extra/0", "refused"])
def test_a_loss_that_can_occur_nowhere_is_a_mistake(what: str) -> None:
    with pytest.raises(ValueError, match=r"can occur in no|only what is lost or added"):
        spelt_out(Loss(what, every=("EngineSession",)), BODIES)


def test_three_bodies_that_are_all_there_can_be_are_abbreviated() -> None:
    loss = Loss("added /clientConfig/interval", ("bare", "also bare", "third"))
    assert abbreviated(loss, BODIES) == Loss("added /clientConfig/interval", every=("EngineSession",))


def test_so_are_those_of_several_schemas() -> None:
    loss = Loss("added /clientConfig/interval", ("bare", "also bare", "third", "error"))
    assert abbreviated(loss, BODIES).every == ("EngineSession", "ErrorResponse")


@pytest.mark.parametrize("names", [("bare", "third"), ("bare", "also bare", "full"), ("bare", "third", "empty")])
def test_fewer_or_others_are_not(names: tuple[str, ...]) -> None:
    loss = Loss("added /clientConfig/interval", names)
    assert abbreviated(loss, BODIES) == loss
