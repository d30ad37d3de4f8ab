"""scripts/breaking.py: no change of the contract gets by without its version and its entry in the changelog.

What oasdiff says is tested where it has been built (`make breaking` does, with Go); all else runs everywhere.
"""

from __future__ import annotations

import copy
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import breaking
import json_patch
import oasdiff
from breaking import Level

CONTRACT: dict[str, Any] = breaking.load(breaking.CONTRACT.read_text("utf-8"))
FIXTURES = {fixture["name"]: fixture for fixture in breaking.fixtures()}
OURS = {name: fixture for name, fixture in FIXTURES.items() if fixture.get("says", "").startswith("ours: ")}
CHANGELOG = "# Changelog\n\n## 1.0.0\n\n- First.\n"

needs_oasdiff = pytest.mark.usefixtures("program")


@pytest.fixture(scope="module")
def program() -> None:
    """oasdiff, as far as it has been built; where Go is required it is built now."""
    if oasdiff.is_built():
        return
    if os.environ.get("REQUIRE_GO") != "1":
        pytest.skip("oasdiff is not built: make breaking builds it, with Go")
    oasdiff.build()


def silent(old: dict[str, Any], new: dict[str, Any]) -> list[oasdiff.Finding]:
    """Stands in for an oasdiff that finds nothing."""
    return []


def changed(patch: list[dict[str, Any]], version: str | None = None) -> dict[str, Any]:
    document: dict[str, Any] = json_patch.patched(CONTRACT, patch)
    if version is not None:
        document["info"]["version"] = version
    return document


# The fixtures.


def test_the_fixtures_are_many_and_say_what_they_expect() -> None:
    counts = [sum(fixture["expect"] == level for fixture in FIXTURES.values()) for level in ("breaking", "harmless")]
    assert len(FIXTURES) == len(breaking.fixtures())
    assert counts[0] >= 20
    assert counts[1] >= 8
    for name, fixture in FIXTURES.items():
        assert ("says" in fixture) == (fixture["expect"] == "breaking"), name


@pytest.mark.parametrize("name", FIXTURES)
def test_a_fixture_applies_and_changes_what_it_says(name: str) -> None:
    """Without oasdiff: the patch fits today's contract, and our part of the gate judges it no worse than expected."""
    fixture = FIXTURES[name]
    document = changed(fixture["patch"])
    level, findings = breaking.assess(CONTRACT, document, None)
    expected = Level[fixture["expect"].upper()]
    if name in OURS:
        assert fixture["says"] in {finding.rule for finding in findings}
    assert level <= expected
    if expected in (Level.NOTHING, Level.PROSE):
        assert level is expected
    else:
        assert level >= Level.HARMLESS


def test_each_of_our_rules_has_a_fixture() -> None:
    assert {f"ours: {rule}" for rule in breaking.RULES} == {fixture["says"] for fixture in OURS.values()}


@needs_oasdiff
@pytest.mark.parametrize(
    "name",
    [
        "a value of an enum in the persona union is removed",
        "the API key no longer starts a session",
        "an operation is renamed",
        "a status of failure is removed",
        "a new optional property of the request",
        "a new kind of tool",
        "a description is reworded",
    ],
)
def test_the_gate_takes_a_fixture_as_it_should(name: str) -> None:
    """Red or green as expected, by the rule that is named; `make breaking ARGS=--fixtures` does it for all of them."""
    assert breaking.play(FIXTURES[name], CONTRACT, oasdiff.breaking) == []


@needs_oasdiff
def test_the_rules_that_are_raised_are_oasdiffs() -> None:
    """None of them is misspelled, or gone in the version that is used."""
    command = [str(oasdiff.PROGRAM), "checks", "changelog"]
    known = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout.split()
    assert set(known) >= oasdiff.RAISED


@needs_oasdiff
def test_a_document_that_cannot_be_read_is_an_error() -> None:
    document = copy.deepcopy(CONTRACT)
    document["components"]["schemas"]["PersonaConfig"] = []
    with pytest.raises(oasdiff.Unreadable, match="oasdiff cannot compare"):
        oasdiff.breaking(CONTRACT, document)


def test_a_fixture_that_does_not_fit_any_more_fails() -> None:
    patch = [{"op": "remove", "path": "/components/schemas/PersonaConfig/oneOf/7"}]
    wrong = breaking.play({"name": "x", "expect": "breaking", "says": "x", "patch": patch}, CONTRACT, silent)
    assert wrong[0].startswith("does not apply: ")


@pytest.mark.parametrize("expect", ["breaking", "harmless", "prose", "nothing"])
def test_a_fixture_that_is_judged_otherwise_fails(expect: str) -> None:
    """What the gate takes for one thing does not pass for another."""
    judged: dict[str, list[dict[str, Any]]] = {
        "breaking": [{"op": "replace", "path": "/servers/0/url", "value": "https://a.example.org"}],
        "harmless": [{"op": "add", "path": "/components/schemas/Lamp", "value": {"type": "object"}}],
        "prose": [{"op": "replace", "path": "/info/summary", "value": "Other words."}],
        "nothing": [{"op": "move", "from": "/servers", "path": "/servers"}],
    }
    for level, patch in judged.items():
        wrong = breaking.play({"expect": expect, "says": "ours: server-removed", "patch": patch}, CONTRACT, silent)
        assert bool(wrong) == (level != expect), (level, wrong)


def test_a_rule_that_is_not_the_one_named_fails_a_fixture() -> None:
    patch = [{"op": "replace", "path": "/servers/0/url", "value": "https://a.example.org"}]
    (wrong,) = breaking.play({"expect": "breaking", "says": "some-rule", "patch": patch}, CONTRACT, silent)
    assert wrong == "some-rule did not see it (but ours: server-removed)"


# Patches.


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ({"op": "remove", "path": "/a/x"}, "leads nowhere"),
        ({"op": "remove", "path": "/l/2"}, "leads nowhere"),
        ({"op": "replace", "path": "/a/x", "value": 1}, "leads nowhere"),
        ({"op": "replace", "path": "/a/b", "value": 1}, "already"),
        ({"op": "add", "path": "/a/b", "value": 2}, "there already"),
        ({"op": "add", "path": "/l/9", "value": 2}, "no such place"),
        ({"op": "add", "path": "/a/b/c", "value": 2}, "nothing can be added"),
        ({"op": "test", "path": "/a/b", "value": 2}, "is not 2"),
        ({"op": "move", "from": "/x", "path": "/y"}, "leads nowhere"),
        ({"op": "copy", "from": "/a", "path": "/y"}, "no operation 'copy'"),
        ({"op": "test", "path": "a", "value": 1}, "no JSON Pointer"),
    ],
)
def test_a_patch_that_does_not_apply_is_an_error(operation: dict[str, Any], message: str) -> None:
    with pytest.raises(json_patch.PatchError, match=message):
        json_patch.patched({"a": {"b": 1}, "l": [1, 2]}, [operation])


def test_a_patch_changes_a_copy() -> None:
    before = {"a/b": {"c~d": 1}, "l": [1, 3]}
    patch: list[dict[str, Any]] = [
        {"op": "test", "path": "/a~1b/c~0d", "value": 1},
        {"op": "replace", "path": "/a~1b/c~0d", "value": 2},
        {"op": "add", "path": "/l/1", "value": 2},
        {"op": "add", "path": "/l/-", "value": 4},
        {"op": "replace", "path": "/l/0", "value": 0},
        {"op": "move", "from": "/a~1b", "path": "/e"},
        {"op": "remove", "path": "/l/2"},
    ]
    assert json_patch.patched(before, patch) == {"l": [0, 2, 4], "e": {"c~d": 2}}
    assert before == {"a/b": {"c~d": 1}, "l": [1, 3]}


# What differs.


def test_a_name_is_not_taken_for_a_keyword() -> None:
    """A property that is called `description`, and one called `examples`, are more than words."""
    path = "/components/schemas/ClientTool/properties/description"
    gone = changed([{"op": "remove", "path": path}])
    new = changed([{"op": "add", "path": "/components/schemas/Egress/properties/examples", "value": {}}])
    for document in (gone, new):
        assert breaking.assess(CONTRACT, document, None)[0] is not Level.PROSE


def test_true_is_not_one() -> None:
    old = changed([{"op": "add", "path": "/components/schemas/Egress/properties/mode/default", "value": 1}])
    new = changed([{"op": "add", "path": "/components/schemas/Egress/properties/mode/default", "value": True}])
    assert [str(difference) for difference in breaking.differences(old, new)] == [
        "components/schemas/Egress/properties/mode/default: 1 became True"
    ]


def test_what_only_answers_hold_may_be_held_to_more() -> None:
    """Closing an object of an answer breaks no client; closing one that is sent does."""
    for schema, level in (("IceServer", Level.HARMLESS), ("ToolParameters", Level.BREAKING)):
        document = copy.deepcopy(CONTRACT)
        document["components"]["schemas"][schema]["additionalProperties"] = False
        assert breaking.assess(CONTRACT, document, None)[0] is level


# Versions and the changelog.


@pytest.mark.parametrize(
    ("level", "after", "problem"),
    [
        (Level.NOTHING, "1.2.3", None),
        (Level.NOTHING, "1.2.4", "nothing else changed"),
        (Level.PROSE, "1.2.3", "must become 1.2.4 or 1.3.0 or 2.0.0; it is 1.2.3"),
        (Level.PROSE, "1.2.4", None),
        (Level.PROSE, "1.2.5", "must become"),
        (Level.PROSE, "1.3.0", None),
        (Level.HARMLESS, "1.2.4", "must become 1.3.0 or 2.0.0; it is 1.2.4"),
        (Level.HARMLESS, "1.3.0", None),
        (Level.HARMLESS, "1.3.1", "must become"),
        (Level.BREAKING, "1.3.0", "must become 2.0.0; it is 1.3.0"),
        (Level.BREAKING, "2.0.0", None),
        (Level.BREAKING, "1.1.0", "must become"),
        (Level.BREAKING, "two", "two is no version"),
    ],
)
def test_the_version_rises_as_much_as_the_change_asks(level: Level, after: str, problem: str | None) -> None:
    found = list(breaking.version_problems("1.2.3", after, level))
    assert found == [] if problem is None else problem in found[0]


@pytest.mark.parametrize(
    ("changelog", "problem"),
    [
        ("## 1.1.0\n\n- `Egress`: a new field.\n\n## 1.0.0\n\n- First.\n", None),
        ("## 1.1.0\n\n- `Egress.mode`: a new value.\n\n## 1.0.0\n\n- First.\n", None),
        ("## 1.1.0\n\n- Egress: a new field; `DailyEgress`.\n\n## 1.0.0\n\n- First.\n", "does not name `Egress`"),
        ("## 1.0.0\n\n- First.\n", "has no section on top for 1.1.0"),
        ("## 1.1.0\n\n## 1.0.0\n\n- First.\n", "the section for 1.1.0 lists nothing"),
        ("## 1.1.0\n\n- A new field.\n\n## 1.0.0\n\n- First.\n", "does not name `Egress`"),
        ("## 1.1.0\n\n- `Egress`.\n", "the section for 1.0.0, which was released, is gone"),
        ("## 1.1.0\n\n- `Egress`.\n\n## 1.0.0\n\n- First.\n\n## 1.0.0\n\n- First.\n", "once, the newest first"),
        ("## 1.1.0\n\n- `Egress`.\n\n## 0.9.0\n\n- x\n\n## 1.0.0\n\n- First.\n", "the newest first"),
        ("## Unreleased\n\n- `Egress`.\n\n## 1.0.0\n\n- First.\n", "each heading must be a version"),
        ("", "has no section on top"),
    ],
)
def test_the_changelog_tells_of_each_change(changelog: str, problem: str | None) -> None:
    found = list(breaking.changelog_problems(changelog, "1.0.0", "1.1.0", {"Egress"}))
    assert found == [] if problem is None else any(problem in line for line in found), found


def test_what_a_change_touches_is_named_by_what_users_know() -> None:
    """Operations by their ids, components by their names, all else by where it is."""
    patches = {
        "createSessionToken": {"op": "remove", "path": "/paths/~1v1~1auth~1session-token/post/responses/403"},
        "EngineSession": {"op": "remove", "path": "/components/schemas/EngineSession/properties/region"},
        "RetryAfter": {"op": "remove", "path": "/components/headers/RetryAfter/schema"},
        "servers": {"op": "replace", "path": "/servers/0/url", "value": "https://a.example.org"},
    }
    for name, operation in patches.items():
        assert breaking.touched(CONTRACT, changed([operation])) == {name}
    assert breaking.touched(CONTRACT, changed([], "9.0.0")) == set()


# What was released, and the command: in a folder of its own.


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(folder / "scripts" / "breaking.py"), *arguments],
        env={**os.environ, **environment},
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(root: Path, tmp_path: Path) -> Path:
    """A project that has nothing but a contract, without a tag, and no Go: the rules that run everywhere."""
    folder = tmp_path / "project"
    (folder / "scripts").mkdir(parents=True)
    (folder / "contract").mkdir()
    for name in ("breaking.py", "oasdiff.py", "json_patch.py", "bootstrap.py", "validate_spec.py"):
        shutil.copy(root / "scripts" / name, folder / "scripts" / name)
    shutil.copytree(root / "tools" / "oasdiff", folder / "tools" / "oasdiff", ignore=shutil.ignore_patterns("bin*"))
    text = breaking.CONTRACT.read_text("utf-8")
    version = breaking.version_of(CONTRACT)
    for file in ("openapi.yaml", "contract/released.yaml"):
        (folder / file).write_text(text.replace(f"version: {version}", "version: 1.0.0", 1), "utf-8")
    (folder / "contract" / "CHANGELOG.md").write_text(CHANGELOG, "utf-8")
    return folder


@pytest.fixture
def no_go(tmp_path: Path) -> dict[str, str]:
    """A PATH that has git and no Go."""
    (tmp_path / "bin").mkdir()
    program = shutil.which("git")
    assert program is not None
    (tmp_path / "bin" / "git").symlink_to(program)
    return {"PATH": str(tmp_path / "bin"), "REQUIRE_GO": "0"}


def edit(folder: Path, old: str, new: str, file: str = "openapi.yaml") -> None:
    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), "utf-8")


CLOSE = ("x-maxBytes: 10000", "x-maxBytes: 9000")


def test_without_go_one_line_says_so_and_the_rest_is_checked(project: Path, no_go: dict[str, str]) -> None:
    done = run(project, **no_go)
    assert (done.returncode, done.stderr) == (0, "")
    skipped, said = done.stdout.splitlines()
    assert skipped.startswith("SKIPPED: oasdiff did not run: Go is not installed; ")
    assert said == "openapi.yaml 1.0.0 against contract/released.yaml (1.0.0): no change"

    edit(project, *CLOSE)
    done = run(project, **no_go)
    assert done.returncode == 1
    assert "breaking [ours: max-bytes-lowered] what is sent must be shorter: components/schemas/Tool" in done.stdout
    assert "error: info.version: 1.0.0 must become 2.0.0; it is 1.0.0" in done.stdout

    edit(project, "version: 1.0.0", "version: 2.0.0")
    edit(project, "## 1.0.0", "## 2.0.0\n\n- `ToolParameters` are smaller.\n\n## 1.0.0", "contract/CHANGELOG.md")
    done = run(project, **no_go)
    assert (done.returncode, done.stderr) == (0, "")
    assert "openapi.yaml 2.0.0 against contract/released.yaml (1.0.0): breaking" in done.stdout


def test_without_go_a_green_harmless_change_says_what_was_not_seen(project: Path, no_go: dict[str, str]) -> None:
    edit(project, "maxLength: 1024", "maxLength: 1000")
    done = run(project, **no_go)
    assert "harmless, as far as our own rules see" in done.stdout
    assert done.returncode == 1


def test_where_go_is_required_its_absence_is_an_error(project: Path, no_go: dict[str, str]) -> None:
    for arguments in ((), ("--fixtures",)):
        done = run(project, *arguments, **no_go | {"REQUIRE_GO": "1"})
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "error: oasdiff cannot run: Go is not installed.\n"


def test_without_go_the_fixtures_are_said_to_be_skipped(project: Path, no_go: dict[str, str]) -> None:
    done = run(project, "--fixtures", **no_go)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "SKIPPED: oasdiff did not run: Go is not installed; nothing stands in for it.\n"


@pytest.mark.parametrize("version", ["go1.21.5", "go1.25.9"])
def test_a_go_too_old_counts_as_none(project: Path, no_go: dict[str, str], version: str) -> None:
    program = Path(no_go["PATH"]) / "go"
    program.write_text(f"#!/bin/sh\necho go version {version} linux/amd64\n")
    program.chmod(0o755)
    done = run(project, **no_go)
    assert f"Go 1.26 or newer is needed, not {version.removeprefix('go')[:4]}" in done.stdout


def test_a_tag_is_what_was_released(project: Path, no_go: dict[str, str]) -> None:
    """The newest tag `v*` counts, not what the folder says; and the folder must say the same."""
    git(project, "init", "--quiet")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "-m", "one")
    git(project, "tag", "v0.1.0")
    git(project, "tag", "other")
    assert "against v0.1.0 (1.0.0): no change" in run(project, **no_go).stdout

    edit(project, *CLOSE)
    edit(project, *CLOSE, file="contract/released.yaml")
    done = run(project, **no_go)
    assert "error: info.version: 1.0.0 must become 2.0.0" in done.stdout, "passed off as released"

    edit(project, "x-maxBytes: 9000", "x-maxBytes: 8000", "contract/released.yaml")
    assert "contract/released.yaml is neither the contract of v0.1.0 nor today's" in run(project, **no_go).stdout


def test_without_a_tag_the_released_contract_cannot_be_rewritten(project: Path, no_go: dict[str, str]) -> None:
    """A breaking change that is made the released contract, so that nothing seems to have changed, is noticed."""
    git(project, "init", "--quiet")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "-m", "one")
    assert run(project, **no_go).returncode == 0
    before = (project / "openapi.yaml").read_text("utf-8")

    edit(project, *CLOSE)
    run(project, "--release", **no_go)
    for _ in ("not committed", "committed"):
        done = run(project, **no_go)
        assert done.returncode == 1
        assert "error: contract/released.yaml: 1.0.0 was another contract when it was released" in done.stdout
        git(project, "commit", "--quiet", "--all", "--allow-empty", "-m", "two")

    # Two ways out: with its version, or taken back.
    edit(project, "version: 1.0.0", "version: 1.1.0")
    edit(project, "## 1.0.0", "## 1.1.0\n\n- `ToolParameters` are smaller.\n\n## 1.0.0", "contract/CHANGELOG.md")
    run(project, "--release", **no_go)
    assert "released.yaml: info.version: 1.0.0 must become 2.0.0; it is 1.1.0" in run(project, **no_go).stdout
    edit(project, "version: 1.1.0", "version: 2.0.0")
    edit(project, "## 1.1.0", "## 2.0.0", "contract/CHANGELOG.md")
    run(project, "--release", **no_go)
    assert run(project, **no_go).returncode == 0

    (project / "openapi.yaml").write_text(before, "utf-8")
    run(project, "--release", **no_go)
    (project / "contract" / "CHANGELOG.md").write_text(CHANGELOG, "utf-8")
    assert run(project, **no_go).returncode == 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("openapi: 3.1.0", "openapi: [", "error: while parsing"),
        ("openapi: 3.1.0", "- a list", "error: "),
        ("  version: 1.0.0\n", "", "error: openapi.yaml is not valid: "),
        ("    PersonaConfig:\n", "    Persona:\n", "error: openapi.yaml is not valid: $ref leads nowhere"),
        ("  version: 1.0.0\n", "  version: '1.1'\n", "error: info.version: 1.1 is no version"),
    ],
)
def test_a_contract_that_cannot_be_read_is_an_error(
    project: Path, no_go: dict[str, str], old: str, new: str, message: str
) -> None:
    """One line says so, and no traceback."""
    edit(project, old, new)
    done = run(project, **no_go)
    assert done.returncode == 1
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_in_somebody_elses_repository_no_tag_counts(project: Path, no_go: dict[str, str]) -> None:
    """An unpacked sdist may lie in one."""
    git(project.parent, "init", "--quiet")
    git(project.parent, "add", ".")
    git(project.parent, "commit", "--quiet", "-m", "theirs")
    git(project.parent, "tag", "v9.0.0")
    assert "against contract/released.yaml" in run(project, **no_go).stdout


def test_a_release_makes_todays_contract_the_released_one(project: Path, no_go: dict[str, str]) -> None:
    edit(project, "Recording of the session.", "Whether there is a recording.")
    edit(project, "version: 1.0.0", "version: 1.0.1")
    edit(project, "## 1.0.0", "## 1.0.1\n\n- Better words.\n\n## 1.0.0", "contract/CHANGELOG.md")
    assert "openapi.yaml 1.0.1 against contract/released.yaml (1.0.0): new words only" in run(project, **no_go).stdout
    done = run(project, "--release", **no_go)
    assert done.stdout == "contract/released.yaml is now openapi.yaml 1.0.1\n"
    assert "against contract/released.yaml (1.0.1): no change" in run(project, **no_go).stdout


def test_the_contract_fits_its_changelog(root: Path) -> None:
    """Today's version has a section, and the released one too."""
    released, _, problems = breaking.released(root)
    text = breaking.CHANGELOG.read_text("utf-8")
    before, after = breaking.version_of(released), breaking.version_of(CONTRACT)
    assert problems == []
    assert list(breaking.changelog_problems(text, before, after, set())) == []
