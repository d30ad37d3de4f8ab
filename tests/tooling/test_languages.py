"""interop/languages.py: what is skipped is said, what got worse fails.

The languages in here are made up, and need no compiler: their program is in Python, their contract is copied.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "interop"))

import languages
import scenario

ROOT = Path(__file__).resolve().parents[2]

# Does what every program has to do; BEHAVIOUR makes it do something wrong.
PROGRAM = """
import http.client, json, os, sys, time, urllib.parse

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

if behaviour == "hangs":
    time.sleep(60)
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
    if behaviour == "refuses":
        print(json.dumps({"step": "body", "name": shared["name"], "error": "no thanks"}))
        continue
    if behaviour == "loses":
        shared["body"].pop("region", None)
    if behaviour != "forgets bodies":
        say("body", shared["body"], name=shared["name"])
"""

VECTORS = {
    "start": {
        "name": "start",
        "violation": None,
        "request": {"schema": "TokenStartRequest", "example": "StartWithToken", "body": {}},
        "response": {"schema": "EngineSession", "example": None, "body": {"sessionId": "s", "region": "eu"}},
    },
    # The same request once more, and an answer that the contract does not allow.
    "start-broken": {
        "name": "start-broken",
        "violation": {"where": "response", "why": "no id"},
        "request": {"schema": "TokenStartRequest", "example": "StartWithToken", "body": {}},
        "response": {"schema": "EngineSession", "example": None, "body": {"region": "eu"}},
    },
}


class World:
    """A folder of languages, and a way to run the program on it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        for name, vector in VECTORS.items():
            file = folder / "vectors" / "createEngineSession" / f"{name}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(vector))

    def add(self, key: str = "fake", *, needs: dict[str, Any] | None = None, **changes: Any) -> None:
        """Writes a folder; a change that is None takes the field away."""
        table = {
            "name": key.title(),
            "generator": "cp",
            "expected": "ran",
            "generate": [["cp", "{spec}", "client.yaml"], ["sh", "-c", "echo x >> $0", "{cache}/builds"]],
            "check": [["grep", "-q", "openapi", "client.yaml"]],
            "compile": [["cp", "{here}/program.py", "program.py"]],
            "run": [["{python}", "program.py"]],
            **changes,
        }
        tables = {
            "needs": {"cp": {}} if needs is None else needs,
            "environment": {"BEHAVIOUR": "fine"},
            "union": {"file": "{build}/client.yaml", "pattern": "^    PersonaConfig:$"},
        }
        tables |= {name: table.pop(name) for name in tables if name in table}
        losses = table.pop("loss", [])
        lines = [f"{name} = {json.dumps(value)}" for name, value in table.items() if value is not None]
        for name, content in tables.items():
            lines.append(f"[{name}]")
            lines += [f"{json.dumps(entry)} = {inline(value)}" for entry, value in content.items()]
        for loss in losses:
            lines.append("[[loss]]")
            lines += [f"{entry} = {inline(value)}" for entry, value in loss.items()]
        place = self.folder / "languages" / key
        place.mkdir(parents=True, exist_ok=True)
        (place / "language.toml").write_text("\n".join(lines) + "\n")
        (place / "program.py").write_text(PROGRAM)

    def run(self, *args: str) -> tuple[int, str, str]:
        """Exit status, standard output, standard error."""
        status = languages.main(
            args,
            languages=self.folder / "languages",
            builds=self.folder / "builds",
            vectors=self.folder / "vectors",
        )
        captured = self.capsys.readouterr()
        return status, captured.out, captured.err

    @property
    def builds(self) -> int:
        return (self.folder / "builds" / "fake" / "cache" / "builds").read_text().count("x")


def inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {inline(entry)}" for key, entry in value.items()) + "}"
    return json.dumps(value)


@pytest.fixture
def world(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.delenv("REQUIRE_LANGUAGES", raising=False)
    return World(tmp_path, capsys)


# --- Languages that work --------------------------------------------------------------------------


def test_a_program_that_does_everything_is_said_to_have_run(world: World) -> None:
    world.add()

    status, out, _ = world.run()

    assert status == 0, out
    header, row, union = out.splitlines()
    assert header.split() == ["language", "generator", "generated", "compiled", "ran", "took"]
    assert re.fullmatch(r"Fake +cp +yes +yes +yes: 2 of 2 bodies as they were +\d+ s", row)
    assert union.strip() == "persona: PersonaConfig:"


def test_a_step_that_a_language_does_not_have_is_not_claimed(world: World) -> None:
    world.add(compile=None, run=None, expected="checked")

    status, out, _ = world.run()

    assert status == 0, out
    assert re.search(r"^Fake +cp +yes +checked +- +\d+ s$", out, re.MULTILINE)


def test_several_languages_share_the_sandbox_without_meeting(world: World) -> None:
    for key in ("one", "two", "three"):
        world.add(key)

    status, out, _ = world.run("--jobs=3")

    assert status == 0, out
    assert out.count("2 of 2 bodies") == 3


def test_only_the_languages_named_are_built(world: World) -> None:
    world.add("one")
    world.add("two", generate=[["false"]])

    assert world.run("one")[0] == 0
    assert not (world.folder / "builds" / "two").exists()


def test_a_second_run_builds_nothing(world: World) -> None:
    world.add()

    _, first, said = world.run()
    _, second, said_again = world.run()

    assert "Building Fake" in said
    assert "Building" not in said_again
    assert "as built before" not in first
    assert "as built before" in second
    assert world.builds == 1


def change_program(world: World) -> None:
    with (world.folder / "languages" / "fake" / "program.py").open("a") as file:
        file.write("# changed\n")


def change_command(world: World) -> None:
    world.add(check=[["true"]])


def change_environment(world: World) -> None:
    world.add(environment={"BEHAVIOUR": "fine", "MORE": "1"})


def lose_the_build(world: World) -> None:
    shutil.rmtree(world.folder / "builds" / "fake" / "build")


@pytest.mark.parametrize("change", [change_program, change_command, change_environment, lose_the_build])
def test_what_decides_about_a_build_makes_a_new_one(world: World, change: Callable[[World], None]) -> None:
    world.add()
    world.run()

    change(world)
    status, out, _ = world.run()

    assert status == 0, out
    assert world.builds == 2


def test_another_contract_makes_a_new_build(world: World) -> None:
    world.add()
    world.run()
    spec = world.folder / "other.yaml"
    spec.write_text((ROOT / "openapi.yaml").read_text("utf-8") + "# changed\n", "utf-8")

    assert world.run(f"--spec={spec}")[0] == 0
    assert world.builds == 2
    assert (world.folder / "builds" / "fake" / "build" / "client.yaml").read_bytes() == spec.read_bytes()


def test_a_contract_that_is_not_there_is_an_error(world: World) -> None:
    world.add()

    status, out, errors = world.run("--spec=nowhere.yaml")

    assert (status, out, errors) == (2, "", "error: there is no nowhere.yaml.\n")


def test_fresh_builds_without_what_was_kept(world: World) -> None:
    world.add()
    world.run()

    assert world.run("--fresh")[0] == 0
    assert world.builds == 1  # the count was kept in the cache


# --- Languages that cannot be built here ----------------------------------------------------------

MISSING = [
    ({"no-such-compiler": {}}, "no-such-compiler is not installed"),
    ({"sh": {"ask": ["-c", "echo tool 1.9.9"], "oldest": "1.10"}}, "sh 1.10 or newer is needed, not 1.9.9"),
    ({"sh": {"ask": ["-c", "exit 3"], "oldest": "1.10"}}, "sh 1.10 or newer is needed, not ?"),
]


@pytest.mark.parametrize(("needs", "why"), MISSING)
def test_what_is_missing_is_said_and_the_others_run(world: World, needs: dict[str, Any], why: str) -> None:
    world.add("fake")
    world.add("poor", needs=needs)

    status, out, _ = world.run()

    assert status == 0
    assert out.splitlines()[0] == f"SKIPPED: Poor was not built: {why}."
    assert "2 of 2 bodies" in out


@pytest.mark.parametrize(("needs", "why"), MISSING)
def test_where_a_language_is_required_a_missing_tool_is_an_error(
    world: World, needs: dict[str, Any], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("poor", needs=needs)
    monkeypatch.setenv("REQUIRE_LANGUAGES", "poor")

    status, out, errors = world.run()

    assert status == 1
    assert out == ""
    assert errors == f"error: Poor cannot be built: {why}.\n"


@pytest.mark.parametrize(
    ("step", "left_out", "row"),
    [
        ("check", "check and compile and run", "cp yes - -"),
        ("compile", "compile and run", "cp yes checked -"),
        ("run", "run", "cp yes yes -"),
    ],
)
def test_what_only_later_steps_need_leaves_the_others(world: World, step: str, left_out: str, row: str) -> None:
    world.add(
        needs={"cp": {}, "no-such-compiler": {"from": step, "debian": "such-a-compiler", "ask": ["-v"], "oldest": "1"}}
    )

    status, out, _ = world.run()

    assert status == 0
    why = "no-such-compiler is not installed (in Debian: such-a-compiler)"
    assert out.splitlines()[0] == f"SKIPPED: {left_out} of Fake: {why}."
    assert row in " ".join(out.split())


def test_where_a_language_is_required_all_of_its_steps_are(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add(needs={"cp": {}, "no-such-compiler": {"from": "run"}})
    monkeypatch.setenv("REQUIRE_LANGUAGES", "fake")

    assert world.run() == (1, "", "error: Fake cannot be built: no-such-compiler is not installed.\n")


def test_a_step_that_is_left_out_hides_no_failure_before_it(world: World) -> None:
    world.add(needs={"no-such-compiler": {"from": "run"}}, check=[["false"]])

    status, out, _ = world.run()

    assert status == 1
    assert "FAILED: Fake: compiled is expected; it got to: generated." in out


def test_a_tool_that_fails_is_quoted(world: World) -> None:
    world.add(needs={"sh": {"ask": ["-c", "echo no module 7 >&2; exit 1"], "oldest": "1"}})

    assert world.run()[1] == "SKIPPED: Fake was not built: sh does not do: no module 7.\n"


def test_a_newer_version_than_needed_will_do(world: World) -> None:
    world.add(needs={"sh": {"ask": ["-c", "printf '\\033[1mtool v10.2\\033[m'"], "oldest": "9.11"}})

    assert world.run()[0] == 0


def test_a_language_that_does_not_exist_is_an_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add()

    assert world.run("cobol")[::2] == (2, "error: there is no language cobol; there are fake.\n")

    monkeypatch.setenv("REQUIRE_LANGUAGES", "fake,cobol")
    assert world.run()[::2] == (2, "error: there is no language cobol; there are fake.\n")


# --- Languages that got worse ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        ("wrong bearer", "the sandbox recorded the requests"),
        ("wrong persona", "token: sent with changed /personaConfig/directorNotes/expressivity"),
        ("sends more", "start: sent with added /clientMetadata"),
        ("twice the bearer", "must carry one bearer, not: Bearer"),
        ("stumbles over more", "extra: lost /clientConfig"),
        ("repeats", "the start whose answer is lost must be sent once, and was 2 times, with ['closed', 201]"),
        ("lies", "token: not the session token that was minted"),
        ("stops early", "the steps must be token, start, direct, extra, unauthorized, limit; printed: token"),
        ("crashes", "ended with exit code 1:"),
        ("talks", "the program printed something that is no step: 'starting'"),
        ("forgets bodies", "body 'StartWithToken' was not printed"),
        ("refuses", "not listed: refused in StartWithToken: no thanks"),
        ("loses", "not listed: lost /region in start/response"),
    ],
)
def test_a_program_that_does_something_else_fails(world: World, behaviour: str, why: str) -> None:
    world.add(environment={"BEHAVIOUR": behaviour})

    status, out, _ = world.run()

    assert status == 1
    assert "FAILED: Fake: ran is expected; it got to: compiled." in out
    assert why in out


@pytest.mark.parametrize(
    ("step", "level"), [("generate", "nothing"), ("check", "generated"), ("compile", "checked"), ("run", "compiled")]
)
@pytest.mark.parametrize("command", [["sh", "-c", "echo broken; exit 7"], ["no-such-command"]])
def test_a_step_that_fails_ends_it_there_and_shows_what_was_said(
    world: World, step: str, level: str, command: list[str]
) -> None:
    before = [["cp", "{spec}", "client.yaml"]] if step == "generate" else []
    changes: dict[str, Any] = {step: [*before, command]}
    world.add(**changes)

    status, out, _ = world.run()

    assert status == 1
    assert f"FAILED: Fake: ran is expected; it got to: {level}." in out
    assert ("    broken" if command[0] == "sh" else "no-such-command could not be started") in out


def test_of_much_that_was_said_the_beginning_and_the_end_are_shown(world: World) -> None:
    world.add(compile=[["sh", "-c", "seq 1000; head -c 9999 /dev/zero | tr '\\0' 'x' >&2; echo >&2; exit 1"]])

    _, out, _ = world.run()

    shown = [line.strip() for line in out.partition("exit code 1:\n")[2].splitlines()]
    assert shown[0] == "x" * 500 + "…"
    assert shown[14:17] == ["14", "…", "976"]
    assert shown[-1] == "1000"


def test_a_program_that_never_ends_is_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages, "RUN_LIMIT", 0.5)
    world.add(environment={"BEHAVIOUR": "hangs"})

    started = time.monotonic()
    status, out, _ = world.run()

    assert status == 1
    assert "took longer than 0 s" in out
    assert time.monotonic() - started < 20


def test_more_than_is_expected_fails_too(world: World) -> None:
    world.add(expected="checked")

    status, out, _ = world.run()

    assert status == 1
    assert "FAILED: Fake: it ran, more than language.toml expects (checked): raise `expected`" in out


@pytest.mark.parametrize(
    "union",
    [
        {"file": "{build}/client.yaml", "pattern": "^class PersonaConfig"},
        {"file": "{build}/other.yaml", "pattern": "PersonaConfig"},
    ],
)
def test_a_union_that_is_not_where_it_was_fails(world: World, union: dict[str, str]) -> None:
    world.add(union=union)

    status, out, _ = world.run()

    assert status == 1
    assert "the persona union is not in" in out


def test_a_listed_loss_is_accepted_and_one_that_is_gone_fails(world: World) -> None:
    loss = {"what": "lost /region", "bodies": ["start/response"]}
    world.add(environment={"BEHAVIOUR": "loses"}, loss=[loss])
    status, out, _ = world.run("--losses")
    assert status == 0, out
    assert "yes: 1 of 2 bodies as they were" in out
    printed = tomllib.loads(out.partition("# Fake\n")[2])
    assert printed == {"loss": [loss]}  # what --losses prints can be pasted

    world.add(loss=[loss])
    status, out, _ = world.run()
    assert status == 1
    assert "listed, but does not occur any more: lost /region in start/response" in out


def test_ending_the_runner_ends_what_it_started(world: World, tmp_path: Path) -> None:
    world.add(generate=[["sh", "-c", f"sleep 60 & echo $! > {tmp_path}/pid; wait"]])
    program = (
        "import sys, pathlib, languages, signal\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))\n"
        "here = pathlib.Path(sys.argv[1])\n"
        "languages.main([], languages=here / 'languages', builds=here / 'builds', vectors=here / 'vectors')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT / "interop", stderr=subprocess.DEVNULL
    ) as process:
        pid = wait_for(tmp_path / "pid")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 1

    assert ended(pid)


def wait_for(file: Path) -> int:
    for _ in range(400):
        if file.exists() and file.read_text().strip():
            return int(file.read_text())
        time.sleep(0.05)
    pytest.fail(f"{file.name} was never written")


def ended(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
            # It may have ended without anyone having asked how.
            if Path(f"/proc/{pid}/stat").exists() and Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                return True
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


# --- Mistakes in language.toml --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"run": [["{builds}/program"]]}, r"there is no placeholder \{builds\}; known are spec, here"),
        ({"union": {"file": "{nowhere}/x", "pattern": "x"}}, r"there is no placeholder \{nowhere\}"),
        ({"environment": {"A": "{b}"}}, r"there is no placeholder \{b\}"),
        ({"compil": [["true"]]}, "there is no compil"),
        ({"expected": "perfect"}, "expected is 'perfect', which is none of its own steps"),
        ({"run": None}, "expected is 'ran', which is none of its own steps"),
        ({"generate": None}, "'generate' is missing"),
        ({"generator": None}, "'generator' is missing"),
        ({"check": "true"}, "check must be a list of commands"),
        ({"check": [[]]}, "check must be a list of commands"),
        ({"check": [["true", 1]]}, "check holds 1, which is no word"),
        ({"needs": {"sh": {"ask": ["x"], "oldest": "new"}}}, "invalid literal"),
        ({"union": {"file": "x", "pattern": "("}}, "missing \\)"),
        ({"loss": [{"bodies": ["x"]}]}, "'what' is missing"),
    ],
)
def test_a_mistake_is_said_before_anything_is_built(world: World, changes: dict[str, Any], why: str) -> None:
    world.add(**changes)

    status, out, errors = world.run()

    assert (status, out) == (2, "")
    assert re.match(rf"error: fake/language\.toml: .*{why}", errors), errors
    assert not (world.folder / "builds").exists()


def test_toml_that_is_none_is_a_mistake(world: World) -> None:
    world.add()
    (world.folder / "languages" / "fake" / "language.toml").write_text("name = ")

    assert world.run()[0] == 2


def test_without_vectors_nothing_is_proved(world: World) -> None:
    world.add()
    shutil.rmtree(world.folder / "vectors")

    assert world.run()[::2] == (2, "error: there are no vectors in vectors/.\n")


# --- Comparing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "got", "found"),
    [
        ({"a": 1, "b": [1, {"c": None}]}, {"b": [1.0, {"c": None}], "a": 1}, []),
        ({"a": 1}, {}, ["lost /a"]),
        ({}, {"a": None}, ["added /a"]),
        ({"a": {"b/c~d": 1}}, {"a": {"b/c~d": 2}}, ["changed /a/b~1c~0d"]),
        ([1, 2], [1], ["changed /"]),
        ({"a": [1, {"b": 1}]}, {"a": [1, {}]}, ["lost /a/1/b"]),
        ({"a": True}, {"a": 1}, ["changed /a"]),
        ({"a": 0.6}, {"a": 0.6000000238418579}, ["changed /a"]),
        ({"a": "1"}, {"a": 1}, ["changed /a"]),
        ({"a": None}, {"a": {}}, ["changed /a"]),
        ({}, [], ["changed /"]),
    ],
)
def test_json_is_compared_as_json(sent: Any, got: Any, found: list[str]) -> None:
    assert list(scenario.differences(sent, got)) == found


def test_each_body_of_the_shared_vectors_is_read_once() -> None:
    bodies = scenario.read_bodies(languages.VECTORS)

    assert len({body.name for body in bodies}) == len(bodies) > 30
    assert {body.schema for body in bodies} == {
        "SessionTokenRequest",
        "SessionTokenResponse",
        "TokenStartRequest",
        "DirectStartRequest",
        "EngineSession",
        "ErrorResponse",
    }


# --- The languages that there are -----------------------------------------------------------------

FOLDERS = sorted(file.parent for file in languages.LANGUAGES.glob("*/language.toml"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_language_that_there_is_can_be_read(folder: Path) -> None:
    assert languages.read(folder).needs


def test_the_readme_tells_authors_what_the_check_wants() -> None:
    text = (languages.LANGUAGES / "README.md").read_text("utf-8")

    assert set(re.findall(r"^\| `\{(\w+)\}` \|", text, re.MULTILINE)) == set(languages.PLACEHOLDERS)
    assert re.findall(r'^\| `\{"step": "(\w+)"', text, re.MULTILINE) == [*scenario.STEPS, "body"]
    for value in (scenario.AVATAR, scenario.VOICE, scenario.LLM, scenario.SAVED):
        assert f"`{value}`" in text
    for body in {body.schema for body in scenario.read_bodies(languages.VECTORS)}:
        assert f"`{body}`" in text


def test_what_is_said_about_the_persona_is_said_of_every_language() -> None:
    text = (ROOT / "docs" / "contract-choices.md").read_text("utf-8")
    for language in map(languages.read, FOLDERS):
        generator = re.sub(r" \d+(\.\d+)+", "", language.generator)
        assert f"| {language.name} | {generator} |" in text


def test_no_lock_of_a_language_holds_an_address_and_all_are_exact() -> None:
    generator = languages.GENERATOR_LOCK.read_text("utf-8")
    assert re.search(r"^openapi-generator-cli==7\.26\.0 \\\n +--hash=sha256:[0-9a-f]{64}$", generator, re.MULTILINE)

    place = languages.LANGUAGES
    for file in (*place.rglob("*.lock"), *place.rglob("package*.json"), *place.rglob("go.*"), *place.rglob("*.txt")):
        assert "://" not in file.read_text("utf-8"), file
    package = json.loads((place / "typescript" / "package.json").read_text("utf-8"))
    node = {**package["dependencies"], **package["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in node.values())
    cargo = tomllib.loads((place / "rust" / "Cargo.toml").read_text("utf-8"))["dependencies"]
    exact = [
        crate if isinstance(crate, str) else crate.get("version") for name, crate in cargo.items() if name != "anam"
    ]
    assert all(re.fullmatch(r"=\d+\.\d+\.\d+", str(version)) for version in exact)
    packages = tomllib.loads((place / "rust" / "Cargo.lean.lock").read_text("utf-8"))["package"]
    assert len([one for one in packages if "checksum" in one]) == len(packages) - 2  # the program and its client
