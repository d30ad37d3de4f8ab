"""interop/languages.py and scenario.py, tried on a language of our own; and the languages that there are."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import languages
import pytest
import scenario

import tools

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]

# Does what every program has to do; BEHAVIOUR makes it do something wrong.
PROGRAM = """
import http.client, json, os, sys, urllib.parse

behaviour = os.environ["BEHAVIOUR"]
url, key = os.environ["ANAM_API_URL"], os.environ["ANAM_API_KEY"]
SAVED = {"personaId": "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"}
INLINE = {
    "type": "ephemeral", "name": "Cara", "avatarModel": "cara-4", "avatarId": "30fa96d0-26c4-4e55-94a0-517025942e18",
    "voiceId": "6bfbe25a-979d-40f3-a92b-5394170af54b", "llmId": "0934d97d-0c3a-4f33-91b0-5e136a0ef466",
    "directorNotes": {"presetStyle": "warm", "expressivity": 0.25 if behaviour == "wrong persona" else 0.5},
    "tools": [{"type": "client", "name": "open_page", "description": "Opens a page of the shop."}],
}

def post(path, bearer, body):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc)
    text = json.dumps(body).encode()
    connection.putrequest("POST", path)
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(len(text)))
    for _ in range(2 if behaviour == "twice the bearer" else 1):
        connection.putheader("Authorization", "Bearer " + bearer)
    connection.endheaders(text)
    try:
        answer = connection.getresponse()
    except ConnectionError:
        if behaviour == "repeats":
            return post(path, bearer, body)
        raise
    return answer.status, json.load(answer)

def say(step, result, **more):
    print(json.dumps({"step": step, **more, "result": result}))

def start(step, bearer, body):
    status, answer = post("/v1/engine/session", bearer, body)
    if behaviour == "stumbles over more" and "addedLater" in answer:
        answer = {"sessionId": answer["sessionId"]}
    say(step, answer, status=status)

if behaviour == "crashes":
    sys.exit("it broke")
if behaviour == "talks":
    print("starting")
_, minted = post("/v1/auth/session-token", key, {"personaConfig": INLINE, "clientLabel": "token", "expiresIn": "1h"})
say("token", {"sessionToken": "made.up.token"} if behaviour == "lies" else minted)
nothing = {"clientMetadata": {}} if behaviour == "sends more" else {}
start("start", key if behaviour == "wrong bearer" else minted["sessionToken"], nothing)
start("direct", key, {"personaConfig": SAVED, "clientLabel": "direct"})
start("extra", key, {"personaConfig": SAVED, "clientLabel": "extra"})
status, refused = post("/v1/auth/session-token", "wrong-key", {"personaConfig": SAVED})
say("unauthorized", refused, status=status)
if behaviour != "stops early":
    start("limit", key, {"personaConfig": SAVED, "clientLabel": "limit"})
for line in open(os.environ["ANAM_VECTORS"]):
    shared = json.loads(line)
    if behaviour == "loses":
        shared["body"].pop("region", None)
    if behaviour != "forgets bodies":
        say("body", shared["body"], name=shared["name"])
"""

TOML = """
name = "Fake"
generator = "cp"
generate = [["cp", "{spec}", "client.yaml"]]
compile = [["cp", "{here}/program.py", "program.py"]]
run = [["{python}", "program.py"]]
needs = { cp = {} }
[environment]
BEHAVIOUR = "fine"
[union]
file = "{build}/client.yaml"
pattern = "^    PersonaConfig:$"
[losses]
known = []
"""


class Fake:
    """A folder of languages with one in it, and a way to run it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.file, self.program, self.capsys = folder / "fake/language.toml", folder / "fake/program.py", capsys
        self.file.parent.mkdir()
        self.program.write_text(PROGRAM)

    def run(self, *arguments: str, **changes: str) -> tuple[int, str]:
        """Exit status, and all that was printed; `changes` replace what language.toml says in a line."""
        lines = TOML.splitlines()
        for key, value in changes.items():
            (number,) = (number for number, line in enumerate(lines) if line.startswith(f"{key} = "))
            lines[number] = f"{key} = {value}"
        self.file.write_text("\n".join(lines))
        status = languages.main(arguments)
        return status, "".join(self.capsys.readouterr())


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Fake:
    jar = tmp_path / "lib/python3/site-packages/openapi_generator_cli/openapi-generator.jar"
    jar.parent.mkdir(parents=True)
    jar.touch()
    monkeypatch.setattr(languages, "LANGUAGES", tmp_path)
    monkeypatch.setattr(languages, "BUILDS", tmp_path / "builds")
    monkeypatch.setattr(tools, "peer_environment", lambda _: tmp_path)
    monkeypatch.delenv("REQUIRE_LANGUAGES", raising=False)
    return Fake(tmp_path, capsys)


def test_a_program_that_does_everything_passes_and_is_built_once(fake: Fake) -> None:
    """Until something changes that decides about the build."""
    status, printed = fake.run()
    assert (status, "Building Fake" in printed) == (0, True), printed
    assert "a persona is: PersonaConfig:" in printed
    assert "as built before" in fake.run()[1]
    fake.program.write_text(PROGRAM + "\n")
    assert "Building Fake" in fake.run()[1]
    assert "Building Fake" in fake.run("--fresh")[1]


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        ("crashes", "it broke"),
        ("talks", "printed something that is no step: 'starting'"),
        ("lies", "token: not the session token that was minted"),
        ("wrong persona", "token: sent with changed /personaConfig/directorNotes/expressivity"),
        ("wrong bearer", "the sandbox recorded the requests"),
        ("twice the bearer", "must carry one bearer"),
        ("sends more", "start: sent with added /clientMetadata"),
        ("stumbles over more", "extra: lost /engineHost"),
        ("stops early", "the steps must be"),
        ("repeats", "the start whose answer is lost must be sent once, and was 2 times"),
        ("loses", "not listed: lost /region"),
        ("forgets bodies", "was not printed"),
    ],
)
def test_a_program_that_does_something_else_fails(fake: Fake, behaviour: str, why: str) -> None:
    status, printed = fake.run(BEHAVIOUR=f'"{behaviour}"')
    assert (status, why in printed) == (1, True), printed


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("compile", '[["sh", "-c", "echo broken; exit 7"]]', "exit code 7:\n    broken"),
        ("compile", '[["no-such-command"]]', "no-such-command"),
        ("pattern", '"^nowhere$"', "the persona union is not in client.yaml"),
        ("known", '["lost /region"]', "listed, but does not occur any more: lost /region"),
    ],
)
def test_a_step_that_fails_is_shown(fake: Fake, key: str, value: str, why: str) -> None:
    status, printed = fake.run(**{key: value})
    assert (status, why in printed) == (1, True), printed


@pytest.mark.parametrize(
    ("need", "why"),
    [
        ('{ debian = "such" }', "none-such is not installed (in Debian: such)"),
        ('{ ask = ["-c", "echo v1.9"], oldest = "1.10" }', "sh 1.10 or newer is needed, not 1.9"),
        ('{ ask = ["-c", "echo no; exit 1"], oldest = "1" }', "sh does not do: no"),
    ],
)
def test_what_is_missing_is_told_and_is_an_error_where_it_is_required(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, need: str, why: str
) -> None:
    needs = f"{{ {why.split()[0]} = {need} }}"
    assert fake.run(needs=needs) == (0, f"SKIPPED: Fake was not built: {why}.\n")
    monkeypatch.setenv("REQUIRE_LANGUAGES", "fake")
    assert fake.run(needs=needs) == (1, f"error: Fake cannot be built: {why}.\n")


def test_json_is_compared_as_json() -> None:
    assert list(scenario.differences({"a": 1, "b": [1]}, {"b": [1.0], "a": 1})) == []
    assert list(scenario.differences({"a": True, "b/c": [1]}, {"a": 1, "b/c": [1, 2]})) == [
        "changed /a",
        "changed /b~1c",
    ]


# The languages that there are.

FOLDERS = sorted(file.parent for file in (ROOT / "interop" / "languages").glob("*/language.toml"))
TOLD = {folder.name: tomllib.loads((folder / "language.toml").read_text("utf-8")) for folder in FOLDERS}


def test_the_readme_tells_authors_what_the_check_wants() -> None:
    text = (languages.LANGUAGES / "README.md").read_text("utf-8")
    used = set(re.findall(r"\{(\w+)\}", json.dumps(list(TOLD.values()))))
    assert set(re.findall(r"^\| `\{(\w+)\}` \|", text, re.MULTILINE)) == used
    assert re.findall(r'^\| `\{"step": "(\w+)"', text, re.MULTILINE) == [*scenario.STEPS, "body"]
    for value in (scenario.AVATAR, scenario.VOICE, scenario.LLM, scenario.SAVED):
        assert f"`{value}`" in text
    bodies = scenario.read_bodies(languages.VECTORS)
    assert len(bodies) > 30
    assert all(f"`{schema}`" in text for schema in {body.schema for body in bodies})


def test_what_is_said_about_the_persona_is_said_of_every_language() -> None:
    text = (ROOT / "docs" / "contract-choices.md").read_text("utf-8")
    for language in TOLD.values():
        generator = re.sub(r" \d+(\.\d+)+", "", language["generator"])
        rows = [row for row in text.splitlines() if re.match(rf"\| \[?{re.escape(language['name'])}[] ]", row)]
        assert [row for row in rows if generator in re.sub(r" \d+(\.\d+)+", "", row)], language["name"]
