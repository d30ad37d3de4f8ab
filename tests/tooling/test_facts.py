"""scripts/facts.py: the contract says what is known, all of it and nothing else; whatever is changed is noticed."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import facts

DOCUMENT = facts.load(facts.CONTRACT)
SAID = facts.load(facts.FACTS)
FROZEN = pickle.dumps(DOCUMENT)
CLAIMS = facts.Contract(DOCUMENT).claims()
FACTS = facts.Facts(SAID)
KNOWN = FACTS.known


def fresh() -> Any:
    """A copy of the contract to spoil; quicker than copy.deepcopy, and there are many."""
    return pickle.loads(FROZEN)


def told(document: Any) -> set[str]:
    """The addresses of which something is said."""
    return {line.partition(": ")[0] for line in facts.differences(document, FACTS)}


def other(value: Any) -> Any:
    """A value of the same kind that is not this one."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return f"{value}x"
        case list():
            return [*value, other(value[-1])] if value else ["x"]
        case dict():
            return {**value, "x": True}
    raise AssertionError(value)


def holder(document: Any, place: facts.Place) -> Any:
    node = document
    for step in place[:-1]:
        node = node[step]
    return node


def renamed(mapping: dict[str, Any], key: str) -> None:
    mapping[f"{key}x" if not key.startswith("/") else f"{key}/x"] = mapping.pop(key)


def is_of_a_property(address: str, claim: facts.Claim) -> bool:
    """Whether a claim is about a name in the list of what a schema requires."""
    return address.endswith(".required") and claim.place[:2] == ("components", "schemas")


def take_away(document: Any, address: str, claim: facts.Claim) -> None:
    """The fact is gone from the contract; or, where it is that something is not required, turned round."""
    above, key = holder(document, claim.place), claim.place[-1]
    if is_of_a_property(address, claim):
        name = address.split(".")[-2]
        if claim.value:
            above["required"].remove(name)
        else:
            above.setdefault("required", []).append(name)
    elif address.endswith(".required") and not claim.value:
        above["required"] = True
    else:
        del above[key]


def change(document: Any, address: str, claim: facts.Claim) -> None:
    """The fact is another one."""
    above, key = holder(document, claim.place), claim.place[-1]
    name = address.rpartition(".")[2]
    if name in ("path", "method", "media") or (".headers." in address and claim.place[-2] == "headers"):
        renamed(above, str(key))
    elif is_of_a_property(address, claim):
        take_away(document, address, claim)
    elif name == "required":
        above["required"] = not claim.value
    elif name in ("oneOf", "anyOf"):
        above[key].append({"$ref": "#/components/schemas/ErrorResponse"})
    elif name == "security":
        above[key].append({"another": []})
    elif key == "$ref":
        above[key] = "#/components/schemas/Nowhere"
    else:
        above[key] = other(above[key])


def test_the_contract_says_what_is_known_and_nothing_else() -> None:
    assert facts.differences(DOCUMENT, FACTS) == []
    assert CLAIMS.keys() == KNOWN.keys()
    assert len(KNOWN) > 500


def test_the_command_counts_them(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(root / "scripts" / "facts.py")], capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("the contract holds them all, and nothing else\n")


@pytest.mark.parametrize("spoil", [take_away, change])
def test_no_fact_can_go_or_change_unnoticed(spoil: Any) -> None:
    """Every one of them, each by itself."""
    unnoticed = []
    for address, claim in CLAIMS.items():
        document = fresh()
        spoil(document, address, claim)
        if address not in told(document):
            unnoticed.append(address)
    assert unnoticed == []


def test_nothing_can_be_in_the_contract_that_no_fact_backs() -> None:
    """Each fact forgotten leaves its claim unbacked, and each new field is one too many."""
    claims = dict.fromkeys(CLAIMS)
    for address in KNOWN:
        fewer = {key: fact for key, fact in KNOWN.items() if key != address}
        assert [key for key in claims if key not in fewer] == [address]
    document = fresh()
    document["components"]["schemas"]["Lamp"] = {"type": "object", "properties": {"colour": {"type": "string"}}}
    document["components"]["schemas"]["EngineSession"]["properties"]["cost"] = {"type": "number", "minimum": 0}
    document["paths"]["/v1/lamps"] = {"get": {"operationId": "listLamps", "responses": {"200": {"description": "x"}}}}
    assert {"Lamp.type", "Lamp.colour.type", "EngineSession.cost.type", "EngineSession.cost.minimum"} <= told(document)
    assert {"listLamps.path", "listLamps.method"} <= told(document)


def test_no_word_can_go_unnoticed() -> None:
    """Every word that a description has to hold, and every description."""
    entries = FACTS.words
    assert len(entries) > 30
    for at, _, words in entries:
        place = facts.description_place(facts.Contract(DOCUMENT), at)
        for word in words:
            document = fresh()
            above = holder(document, place)
            above[place[-1]] = " ".join(above[place[-1]].split()).replace(word, "…")
            lines = facts.differences(document, FACTS)
            assert any(line.startswith(f"{at}: the description does not hold {word!r}") for line in lines)
        document = fresh()
        del holder(document, place)[place[-1]]
        assert f"{at}: there is no such description in the contract" in facts.differences(document, FACTS)


@pytest.mark.parametrize(
    ("spoiled", "message"),
    [
        ({"schemas": {"Lamp": {"grade": "rumour", "is": {"type": "object"}}}}, "the grade must be one of"),
        ({"schemas": {"Lamp": {"grade": "chosen", "is": {"type": "object"}}}}, "needs one of the reasons, not None"),
        (
            {"schemas": {"Lamp": {"grade": "vendor", "is": {"type": "object", "chosen": {"type": "whim"}}}}},
            "needs one of the reasons, not 'whim'",
        ),
        (
            {"schemas": {"Lamp": {"grade": "vendor", "is": {"type": "object", "chosen": {"format": "uuid"}}}}},
            "graded, but not said: format",
        ),
        (
            {"schemas": {"Lamp": {"grade": "vendor", "is": {"type": "object", "grades": {"type": "rumour"}}}}},
            "the grade must be one of",
        ),
        ({"reasons": {"whim": "because"}}, "no fact gives the reason whim"),
    ],
)
def test_a_list_of_facts_that_is_not_well_formed_is_an_error(spoiled: dict[str, Any], message: str) -> None:
    said = copy.deepcopy(SAID)
    for key, more in spoiled.items():
        said[key] |= more
    with pytest.raises(facts.FactsError, match=message):
        facts.Facts(said)


def test_the_order_of_a_set_says_nothing_and_that_of_a_list_does() -> None:
    document = fresh()
    document["components"]["schemas"]["CartesiaEmotion"]["enum"].reverse()
    document["components"]["schemas"]["Tool"]["oneOf"].reverse()
    assert told(document) == set()


def test_true_is_not_one_and_two_is_two() -> None:
    document = fresh()
    notes = document["components"]["schemas"]["DirectorNotes"]["properties"]["expressivity"]
    notes["maximum"] = 1.0
    assert told(document) == set()
    notes["maximum"] = True
    assert told(document) == {"DirectorNotes.expressivity.maximum"}
