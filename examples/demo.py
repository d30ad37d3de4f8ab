"""Starts avatar sessions against the sandbox and shows what comes back: `make demo`.

Nothing leaves this machine. With `--real --persona-id ID`, and ANAM_API_KEY set, it starts ONE session at Anam instead;
that takes a slot of your plan and is billed.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys

import jwt

from anam_facade import (
    AnamClient,
    AnamError,
    AsyncAnamClient,
    ConcurrencyLimitError,
    DirectorNotes,
    EngineSession,
    LiveKitEnvironment,
    PermissionDeniedError,
    PersonaConfig,
    SessionToken,
)

AVATAR_ID = "30fa96d0-26c4-4e55-94a0-517025942e18"
VOICE_ID = "6bfbe25a-979d-40f3-a92b-5394170af54b"
SAVED_PERSONA_ID = "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", action="store_true", help="start one billed session at Anam instead of the sandbox")
    parser.add_argument("--persona-id", help="with --real: the saved persona to start")
    arguments = parser.parse_args()
    # Retries are logged, one line each, as a program with logging switched on would see them.
    logging.basicConfig(level=logging.WARNING, format="    log: %(levelname)s %(name)s: %(message)s", stream=sys.stdout)
    try:
        if arguments.real:
            return real(parser, arguments.persona_id)
        return sandboxed()
    except AnamError as error:
        print(f"\nfailed: {type(error).__name__}: {error}", file=sys.stderr)
        return 1


def sandboxed() -> int:
    from anam_facade.sandbox import Fault, Sandbox

    with Sandbox(max_sessions=4) as sandbox:
        print(f"A local Anam runs at {sandbox.base_url}; nothing leaves this machine.")

        with AnamClient(sandbox.api_key, sandbox.base_url, client_label="demo") as client:
            heading(1, "A persona described inline, into a LiveKit room (sync)")
            persona = PersonaConfig(
                name="Cara",
                avatar_id=AVATAR_ID,
                avatar_model="cara-4",
                director_notes=DirectorNotes(preset_style="warm"),
            )
            environment = LiveKitEnvironment("wss://rooms.example.org", livekit_token("lobby"))
            token = client.create_session_token(persona, environment=environment)
            show_token(token)
            show_session(client.start_engine_session(token))

            heading(2, "A saved persona, for a browser (sync)")
            token = client.create_session_token(PersonaConfig.saved(SAVED_PERSONA_ID))
            show_token(token)
            show_session(client.start_engine_session(token, client_metadata={"client": "demo"}))

            heading(3, "The engine is busy at first: one retry, with the same token")
            sandbox.inject(Fault(operation="createEngineSession", status=503, times=1))
            show_session(client.start_session(PersonaConfig.saved(SAVED_PERSONA_ID)))

        heading(4, "The same from asyncio, in one direct call with the API key")
        asyncio.run(direct(sandbox.base_url, sandbox.api_key))

        heading(5, "Errors, as you would meet them")
        with AnamClient(sandbox.api_key, sandbox.base_url) as client:
            try:
                client.start_session({"avatarId": AVATAR_ID, "voiceID": VOICE_ID, "directorNotes": {"expressivity": 7}})
            except AnamError as error:
                show_error(error, "found before anything was sent")
            try:
                client.start_session(PersonaConfig.saved(SAVED_PERSONA_ID))
            except ConcurrencyLimitError as error:
                show_error(error, "not retried: waiting does not free a slot")
            sandbox.end_all()
            persona = PersonaConfig(avatar_id=AVATAR_ID, voice_id=VOICE_ID, avatar_model="cara-4-latest")
            try:
                client.start_session(persona)
            except PermissionDeniedError as error:
                show_error(error, "minting checks little; this surfaced at the start")

        print(f"\nThe sandbox saw {len(sandbox.requests)} requests and started {len(sandbox.sessions)} sessions:")
        for session in sandbox.sessions:
            print(f"    {session.id}  {session.mode:7} label={session.label}")
    return 0


async def direct(base_url: str, api_key: str) -> None:
    async with AsyncAnamClient(api_key, base_url, client_label="demo-async") as client:
        show_session(await client.start_session(PersonaConfig.saved(SAVED_PERSONA_ID), direct=True))


def real(parser: argparse.ArgumentParser, persona_id: str | None) -> int:
    if not os.environ.get("ANAM_API_KEY"):
        parser.error("--real needs the environment variable ANAM_API_KEY")
    if persona_id is None:
        parser.error("--real needs --persona-id")
    with AnamClient(client_label="anam-facade-demo") as client:
        print(f"Starting one billed session at Anam ({client!r}) …")
        show_session(client.start_session(PersonaConfig.saved(persona_id)))
    return 0


def livekit_token(room: str) -> str:
    """A token such as `livekit.api.AccessToken` makes, for a LiveKit server that does not exist."""
    claims = {
        "sub": "anam-avatar-agent",
        "name": "anam-avatar-agent",
        "kind": "agent",
        "video": {"room": room, "roomJoin": True},
        "attributes": {"lk.publish_on_behalf": "agent-1"},
    }
    return jwt.encode(claims, "a secret of nobody's, thirty-two bytes long", algorithm="HS256")


def heading(number: int, text: str) -> None:
    print(f"\n{number}. {text}")


def show_token(token: SessionToken) -> None:
    print(f"    minted   {token!r}")


def show_session(session: EngineSession) -> None:
    print(f"    started  {session.session_id}")
    if session.engine_host:
        print(f"    engine   {session.engine_protocol}://{session.engine_host}{session.signalling_endpoint}")
    else:
        print("    engine   joins the LiveKit room by itself")


def show_error(error: AnamError, remark: str) -> None:
    print(f"    {type(error).__name__} ({remark})")
    for line in str(error).splitlines():
        print(f"        {line}")


if __name__ == "__main__":
    sys.exit(main())
