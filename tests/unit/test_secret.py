"""Credentials do not show themselves."""

from __future__ import annotations

import copy
import pickle

import pytest

from anam_facade import Secret
from anam_facade._secret import as_optional_secret, as_secret, as_secret_values, scrub

VALUE = "swordfish" * 3


@pytest.mark.parametrize(
    "show",
    [repr, str, "{}".format, "{!r}".format, "%s".__mod__, lambda secret: f"{[secret]}"],
    ids=["repr", "str", "format", "format-repr", "percent", "in-a-list"],
)
def test_is_never_shown(show):
    """No way of turning a secret into text shows it."""
    text = show(Secret(VALUE))
    assert "***" in text
    assert VALUE not in text


def test_reveals_itself_when_asked():
    """The value is there for who asks for it by name."""
    assert Secret(VALUE).reveal() == VALUE


@pytest.mark.parametrize(
    ("other", "equal"),
    [
        (Secret(VALUE), True),
        (VALUE, True),
        (Secret("other"), False),
        ("other", False),
        ("é", False),
        ("\ud800", False),
        (5, False),
        (None, False),
        (VALUE.encode(), False),
    ],
)
def test_compares_with_secrets_and_strings(other, equal):
    """A secret equals another, or a string, of the same content, and nothing else."""
    secret = Secret(VALUE)
    assert (secret == other, other == secret, secret != other) == (equal, equal, not equal)


def test_hashes_by_content():
    """Equal secrets, and the equal string, are the same key of a mapping."""
    assert {Secret(VALUE): 1}[Secret(VALUE)] == 1
    assert hash(Secret(VALUE)) == hash(VALUE)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_can_be_copied(duplicate):
    """Copying an object that holds a secret works, and the copy is as secret."""
    secret = Secret(VALUE)
    assert duplicate(secret) is secret
    assert duplicate([secret]) == [secret]
    assert VALUE not in repr(duplicate({"key": secret}))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_cannot_be_pickled(protocol):
    """Pickling is refused, and the refusal says what to do, without the secret."""
    with pytest.raises(TypeError, match=r"reveal\(\)") as caught:
        pickle.dumps(Secret(VALUE), protocol)
    assert VALUE not in str(caught.value)


def test_has_no_further_attributes():
    """Nothing can be hung on a secret by mistake, and `vars` finds nothing in it."""
    with pytest.raises(AttributeError):
        Secret(VALUE).other = 1
    with pytest.raises(TypeError):
        vars(Secret(VALUE))


@pytest.mark.parametrize(
    ("convert", "given", "made"),
    [
        (as_secret, VALUE, Secret(VALUE)),
        (as_secret, Secret(VALUE), Secret(VALUE)),
        (as_secret, 5, 5),
        (as_optional_secret, None, None),
        (as_optional_secret, VALUE, Secret(VALUE)),
        (as_secret_values, None, None),
        (as_secret_values, "text", "text"),
        (as_secret_values, {"a": VALUE, "b": Secret("x"), "c": 5}, {"a": Secret(VALUE), "b": Secret("x"), "c": 5}),
    ],
)
def test_converters_wrap_strings_only(convert, given, made):
    """Strings become secrets; what has the wrong type passes untouched, for validation to name it."""
    converted = convert(given)
    assert converted == made
    assert VALUE not in repr(converted)


@pytest.mark.parametrize(
    ("text", "secrets", "masked"),
    [
        ("fresh eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln here", [], "fresh *** here"),
        ("eyJ is no token", [], "eyJ is no token"),
        ("key abcdef here", ["abcdef"], "key *** here"),
        ("abcdef abcdef", ["abcdef"], "*** ***"),
        (r'{"key":"ab\/cd+ef="}', ["ab/cd+ef="], '{"key":"***"}'),
        ("longer-secret", ["secret", "longer-secret"], "***"),
        ("one ab two", ["ab"], "one ab two"),
        ("empty", [""], "empty"),
        ("", ["abcdef"], ""),
    ],
)
def test_scrub_masks_every_secret(text, secrets, masked):
    """Every secret in a text is masked, the longest first; what is too short to protect anything is left."""
    assert scrub(text, [Secret(s) for s in secrets]) == masked
