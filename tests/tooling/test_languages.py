"""interop/languages.py and scenario.py, tried on a language of our own: what a program does wrong is told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import languages
import pytest
import scenario

import tools

pytestmark = pytest.mark.slow

# Does what every program has to do; BEHAVIOUR makes it do something wrong.
PROGRAM = """
import json, os, sys
import httpx

behaviour, key = os.environ["BEHAVIOUR"], os.environ["ANAM_API_KEY"]
anam = httpx.Client(base_url=os.environ["ANAM_API_URL"])
inline, saved = json.loads(os.environ["PERSONAS"])
MINT, START = "/v1/auth/session-token", "/v1/engine/session"

def call(step, path, bearer, **body):
    headers = [("Authorization", "Bearer " + bearer)] * (2 if behaviour == "twice the bearer" else 1)
    try:
        answer = anam.post(path, headers=headers, json=body)
    except httpx.TransportError:
        if behaviour != "repeats":
            raise
        answer = anam.post(path, headers=headers, json=body)
    result = {"sessionToken": "made.up.token"} if behaviour == "wrong " + step else answer.json()
    print(json.dumps({"step": step, "status": answer.status_code, "result": result}))
    return answer.json()

if behaviour == "crashes":
    sys.exit("it broke")
if behaviour == "talks":
    print("starting")
if behaviour == "wrong persona":
    inline["directorNotes"]["expressivity"] = 0.25
token = call("token", MINT, key, personaConfig=inline, clientLabel="token", expiresIn="1h")["sessionToken"]
call("start", START, key if behaviour == "wrong bearer" else token)
call("direct", START, key, personaConfig=saved, clientLabel="direct")
call("extra", START, key, personaConfig=saved, clientLabel="extra")
call("unauthorized", MINT, "wrong-key", personaConfig=saved)
if behaviour != "stops early":
    call("limit", START, key, personaConfig=saved, clientLabel="limit")
for shared in map(json.loads, open(os.environ["ANAM_VECTORS"])):
    if behaviour == "loses":
        shared["body"].pop("region", None)
    if behaviour != "forgets bodies":
        print(json.dumps({"step": "body", "name": shared["name"], "result": shared["body"]}))
"""

TOML = f"""
name = "Fake"
generator = "cp"
generate = [["cp", "{{spec}}", "client.yaml"]]
compile = [["cp", "{{here}}/program.py", "program.py"]]
run = [["{{python}}", "program.py"]]
needs = {{ cp = {{}} }}
[environment]
BEHAVIOUR = "fine"
PERSONAS = '{json.dumps([scenario.INLINE_PERSONA, scenario.SAVED_PERSONA])}'
[union]
file = "{{build}}/client.yaml"
pattern = "^    PersonaConfig:$"
[losses]
known = []
"""


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs it, with lines of language.toml replaced: exit status, and all that was printed."""
    jar = tmp_path / "lib/python3/site-packages/openapi_generator_cli/openapi-generator.jar"
    for file, text in {jar: "", tmp_path / "fake" / "program.py": PROGRAM}.items():
        file.parent.mkdir(parents=True)
        file.write_text(text)
    monkeypatch.setattr(languages, "LANGUAGES", tmp_path)
    monkeypatch.setattr(languages, "BUILDS", tmp_path / "builds")
    monkeypatch.setattr(tools, "peer_environment", lambda _: tmp_path)
    monkeypatch.delenv("REQUIRE_LANGUAGES", raising=False)

    def run(**changes: str) -> tuple[int, str]:
        text = TOML
        for key, value in changes.items():
            (line,) = re.findall(rf"^{key} = .*$", text, re.MULTILINE)
            text = text.replace(line, f"{key} = {value}")
        (tmp_path / "fake" / "language.toml").write_text(text)
        return languages.main([]), "".join(capsys.readouterr())

    return run


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("BEHAVIOUR", '"crashes"', "it broke"),
        ("BEHAVIOUR", '"talks"', "printed something that is no step: 'starting'"),
        ("BEHAVIOUR", '"wrong token"', "token: not the session token that was minted"),
        ("BEHAVIOUR", '"wrong persona"', "token: sent with changed /personaConfig/directorNotes/expressivity"),
        ("BEHAVIOUR", '"wrong bearer"', "the sandbox recorded the requests"),
        ("BEHAVIOUR", '"twice the bearer"', "must carry one bearer"),
        ("BEHAVIOUR", '"wrong extra"', "extra: lost /engineHost"),
        ("BEHAVIOUR", '"stops early"', "the steps must be"),
        ("BEHAVIOUR", '"repeats"', "the start whose answer is lost must be sent once, and was 2 times"),
        ("BEHAVIOUR", '"loses"', "not listed: lost /region"),
        ("BEHAVIOUR", '"forgets bodies"', "was not printed"),
        ("compile", '[["sh", "-c", "echo broken; exit 7"]]', "exit code 7:\n    broken"),
        ("compile", '[["no-such-command"]]', "no-such-command"),
        ("pattern", '"^nowhere$"', "the persona union is not in client.yaml"),
        ("known", '["lost /region"]', "listed, but does not occur any more: lost /region"),
    ],
)
def test_what_a_program_or_a_step_does_wrong_is_told(run: Run, key: str, value: str, why: str) -> None:
    status, printed = run(**{key: value})
    assert (status, why in printed) == (1, True), printed


def test_what_is_missing_is_told_and_is_an_error_where_required(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a program that does everything passes."""
    assert run()[0] == 0
    needs, why = '{ no-such = { debian = "such" } }', "no-such is not installed (in Debian: such)"
    assert run(needs=needs) == (0, f"SKIPPED: Fake was not built: {why}.\n")
    monkeypatch.setenv("REQUIRE_LANGUAGES", "fake")
    assert run(needs=needs) == (1, f"error: Fake cannot be built: {why}.\n")
