"""Rooms, options, tokens and started sessions."""

from __future__ import annotations

import base64
import copy
import itertools
import math
import pickle
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from anam_facade import (
    VIDEO_SIZES,
    AnamConfigError,
    AnamConfigWarning,
    ClientConfig,
    DailyEgress,
    EngineSession,
    IceServer,
    LiveKitEnvironment,
    Secret,
    SessionOptions,
    SessionToken,
)
from anam_facade._hosts import is_loopback
from tests.tokens import signed

URL = "wss://rooms.example.org"


URI = "must be an absolute URI such as https://host/path, other characters percent-encoded"
SPACE = "must not begin or end with white space; was it read from a file with its line break?"
REFUSED = [
    (
        lambda: LiveKitEnvironment("rooms", "swordfish\n"),
        [f"url = rooms: {URI}", f"token = '***': {SPACE}"],
    ),
    (lambda: LiveKitEnvironment(None, ""), ["url: is required", "token = '***': must have at least 1 character"]),
    (lambda: LiveKitEnvironment.from_dict({"livekitUrl": URL}), ["livekitToken: is required"]),
    (
        lambda: SessionOptions(video_width=720, region_policy="strict"),
        [
            "video_height: must be set together with video_width",
            "region: is required when region_policy is strict",
        ],
    ),
    (
        lambda: SessionOptions(egress={"mode": "daily", "daily": {"roomUrl": "x"}}),
        [f"egress.daily.roomUrl = x: {URI}"],
    ),
    (
        lambda: SessionOptions.from_dict({"sessionReplay": {"enableSessionReplay": None}}),
        ["sessionReplay.enableSessionReplay: must be true or false, not null; leave it out instead"],
    ),
    (lambda: SessionToken(5), ["SessionToken.value: must be a string, not int"]),
]


@pytest.mark.parametrize(("make", "expected"), REFUSED, ids=itertools.count())
def test_what_is_wrong_is_refused_with_field_value_and_rule(problems, make, expected):
    """What surrounds a persona keeps its rules, and every problem is named as the caller spells it."""
    assert problems(make) == expected


def test_options_are_read_from_mappings():
    """Where an egress is expected its wire form does as well; an object with nothing in it says nothing."""
    wire = {"mode": "daily", "daily": {"roomUrl": "https://a.b"}}
    assert SessionOptions(egress=wire) == SessionOptions(egress=DailyEgress(room_url="https://a.b"))
    assert SessionOptions.from_dict({"sessionReplay": {}, "voiceDetection": {}}) == SessionOptions()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: SessionOptions(region="moon"), "region='moon' is not among the values known today"),
        (lambda: LiveKitEnvironment("ws://localhost:7880", "t"), "this machine .localhost.: Anam's engine, elsewhere"),
        (lambda: LiveKitEnvironment("ws://[::1]:7880", "t"), "url=ws://.*::1.* is this machine"),
        (lambda: LiveKitEnvironment.from_dict({"livekitUrl": "ws://127.1.2.3", "livekitToken": "t"}), "livekitUrl=ws"),
    ],
    ids=["region", "localhost", "ipv6", "wire"],
)
def test_what_is_probably_a_mistake_is_warned_of(make, text):
    """Regions not known today, and rooms that only this machine can reach, are sent, with a warning."""
    with pytest.warns(AnamConfigWarning, match=text) as caught:
        make()
    assert [w.filename for w in caught] == [__file__]


@pytest.mark.parametrize("host", ["localhost", "127.1.2.3", "::1", "127.example.org", "10.0.0.1", "localhost.example"])
def test_only_this_machine_counts_as_such(host):
    """Its addresses and `localhost`; a name that begins like one may be anybody's."""
    assert is_loopback(host) == (host in ("localhost", "127.1.2.3", "::1"))


def test_the_catalogue_of_video_sizes_is_the_contracts():
    """Width and height of each avatar model, as numbers."""
    assert VIDEO_SIZES == {"cara-3": ((720, 480),), "cara-4": ((1152, 768), (768, 1152))}


@pytest.mark.parametrize(
    ("token", "room"),
    [
        (signed({"video": {"room": "lobby"}}), "lobby"),
        (signed({"video": {"room": 5}}), None),
        (signed({"video": "lobby"}), None),
    ],
    ids=["room", "number", "no-object"],
)
def test_the_room_is_read_from_the_livekit_token(token, room):
    """The room's name is what the token says, as far as it says."""
    assert LiveKitEnvironment(URL, token).room == room


@pytest.mark.parametrize(
    ("token", "claims"),
    [
        (signed({"type": "ephemeral", "é": 1}), {"type": "ephemeral", "é": 1}),
        ("a.WzFd.c", {}),
        ("a.b.c.d", {}),
        ("a.!!!.c", {}),
        ("a.AAAA.c", {}),
        ("a." + base64.urlsafe_b64encode(b"\xff\xff").decode() + ".c", {}),
        ("a." + base64.urlsafe_b64encode(b"[" * 100_000).decode() + ".c", {}),
        ("", {}),
    ],
    ids=["jwt", "list", "four", "not-base64", "not-json", "not-utf8", "deep", "empty"],
)
def test_claims_of_what_is_no_jwt_are_empty(token, claims):
    """Claims are read leniently: a string that is no JWT has none."""
    assert SessionToken(token).claims == claims


def test_a_token_shows_what_it_is_for_and_not_itself():
    """A token's repr tells type and expiry; the token itself only comes out by its name."""
    text = signed({"type": "ephemeral", "exp": 1_800_000_000})
    token = SessionToken(text)
    assert repr(token) == "SessionToken('***', type='ephemeral', expires_at=2027-01-15T08:00:00+00:00)"
    assert repr(SessionToken("opaque")) == "SessionToken('***', type=None, expires_at=None)"
    assert token.value == text
    assert text not in f"{token} {token!r} {[token]}"


def test_a_token_cannot_be_changed_or_pickled():
    """A token is frozen, can be copied, and refuses to be pickled."""
    token = SessionToken(signed({}))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        token.client_label = "other"
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(token)
    assert copy.deepcopy(token).value == token.value


@pytest.mark.parametrize("exp", [None, True, "soon", math.nan, 1e300, 10**400, -1e300])
def test_an_expiry_that_makes_no_sense_is_unknown(exp):
    """A token whose expiry cannot be read does not count as expired."""
    token = SessionToken(signed({"exp": exp}))
    assert token.expires_at is None
    assert not token.is_expired()


@pytest.mark.parametrize(
    ("seconds", "leeway", "expired"),
    [(60, 0, False), (60, 30, False), (60, 90, True), (-1, 0, True), (-60, -120, False)],
)
def test_expiry_is_told_with_leeway(seconds, leeway, expired):
    """A token counts as expired from `leeway` seconds before its real expiry."""
    exp = (datetime.now(UTC) + timedelta(seconds=seconds)).timestamp()
    token = SessionToken(signed({"exp": exp}))
    assert token.is_expired(leeway) is expired
    assert token.expires_at is not None
    assert token.expires_at.tzinfo is UTC


def test_a_started_session_is_not_lost_over_a_detail():
    """Fields of the wrong type are None, or the contract's default, and can be looked up in `raw`."""
    servers = [{"urls": ["turn:b", 5], "credential": 5}, {"urls": 5}, "nonsense"]
    config = {"heartbeatIntervalSeconds": True, "maxWsReconnectionAttempts": "5", "iceServers": servers}
    data = {"sessionId": "s", "engineHost": 5, "region": True, "clientConfig": config}
    session = EngineSession.from_dict(data)
    defaults = ClientConfig(
        heartbeat_interval_seconds=5,
        max_ws_reconnection_attempts=5,
        ice_servers=(IceServer(urls=("turn:b",)), IceServer(urls=())),
        ice_transport_policy=None,
    )
    assert session == EngineSession(session_id="s", client_config=defaults)
    assert session.raw == data
    assert EngineSession.from_dict({"sessionId": "s", "clientConfig": []}) == EngineSession(session_id="s")


def test_secrets_of_rooms_are_not_shown():
    """The repr of rooms and egress masks their tokens, and so does an error."""
    room, egress = LiveKitEnvironment(URL, "swordfish"), DailyEgress(room_url=URL, token="swordfish")
    assert repr(room) == f"LiveKitEnvironment(url='{URL}', token=Secret('***'))"
    assert repr(egress) == f"DailyEgress(room_url='{URL}', token=Secret('***'))"
    assert room == LiveKitEnvironment(URL, Secret("swordfish")) != LiveKitEnvironment(URL, "other")
    with pytest.raises(AnamConfigError) as caught:
        LiveKitEnvironment("nowhere", "swordfish\ud800")
    assert "swordfish" not in str(caught.value)
