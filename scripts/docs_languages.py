"""Fill in the part of docs/other-languages.md that interop/languages/*/language.toml knows; `--check` only compares.

The commands on the page are those that `make languages` runs, with its placeholders put into a reader's words, so that
the page cannot name an option that nobody tried.
"""

from __future__ import annotations

import argparse
import difflib
import shlex
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ROOT / "interop" / "languages"
PAGE = ROOT / "docs" / "other-languages.md"

BEGIN = "<!-- From here on written by `make docs`, from interop/languages/*/language.toml. -->\n"
END = "<!-- Up to here. -->\n"

LEVELS = {
    "generated": "generated",
    "checked": "generated; syntax checked",
    "compiled": "generated and compiled",
    "ran": "generated, built, and run against the sandbox",
}

# The bodies with which `make languages` looks whether what the contract does not know survives.
ANSWER, TOOL = "start-unknown-fields/response", "mint-tool-unknown-keys/request"


class Unfit(Exception):
    """A language.toml, or the page, is not what this script can work with."""


def command(words: Sequence[str], folder: Path) -> str:
    """One command as a reader would type it in the project's folder, with the generator's jar beside it."""
    spoken = {
        "{generator}": "openapi-generator-cli.jar",
        "{spec}": "openapi.yaml",
        "{here}": f"interop/languages/{folder.name}",
        "{build}/": "",
        "{python}": "python",
    }
    said = []
    for word in words:
        if word == "-Dlog.level=error":  # for a quiet log; it decides nothing
            continue
        for placeholder, meaning in spoken.items():
            word = word.replace(placeholder, meaning)
        if "{" in word:
            raise Unfit(f"{folder.name}: `{word}` has a placeholder that a reader cannot know")
        said.append(word)
    return shlex.join(said)


def generators(language: dict[str, Any]) -> list[list[str]]:
    """The commands that read the contract; the others copy files and install packages."""
    return [words for words in language["generate"] if any("{spec}" in word for word in words)]


def settings(language: dict[str, Any], folder: Path) -> list[Path]:
    """The files of the language's folder that those commands read."""
    words = [word for words in generators(language) for word in words if word.startswith("{here}/")]
    return [folder / word.removeprefix("{here}/") for word in words]


def fate(language: dict[str, Any], body: str) -> str:
    """What becomes of what the contract does not know, in one body."""
    losses = [loss["what"].split()[0] for loss in language.get("loss", []) if body in loss.get("bodies", [])]
    if language["expected"] != "ran":
        return "not tried"
    if "refused" in losses:
        return "**refused**"
    if "changed" in losses:
        return "**lost, with all around it**"
    return "lost" if "lost" in losses else "kept"


def section(language: dict[str, Any], folder: Path) -> str:
    commands = generators(language)
    if not commands:
        raise Unfit(f"{folder.name}: no command in `generate` reads the contract")
    lines = [
        f"### {language['name']}",
        "",
        "```console",
        *(f"$ {command(words, folder)}" for words in commands),
        "```",
        "",
    ]
    for file in settings(language, folder):
        if not file.is_file():
            raise Unfit(f"{folder.name}: {file.name} is not there")
        lines += [f"with `{file.name}`:", "", "```yaml", *file.read_text("utf-8").rstrip().splitlines(), "```", ""]
    here = f"../interop/languages/{folder.name}"
    lines += [
        f"Why so, and what unions become: [language.toml]({here}/language.toml). A program: [{folder.name}]({here})."
    ]
    return "\n".join(lines) + "\n"


def written(folders: Sequence[Path]) -> str:
    """Everything between the two marks."""
    languages = [(tomllib.loads((folder / "language.toml").read_text("utf-8")), folder) for folder in folders]
    languages.sort(key=lambda pair: pair[0]["name"].casefold())
    rows = [
        "| language | generator | tried here | fields of an answer that the contract lacks | further keys of a tool |",
        "|---|---|---|---|---|",
    ]
    for language, _ in languages:
        cells = (language["name"], language["generator"], LEVELS[language["expected"]])
        rows.append(f"| {' | '.join((*cells, fate(language, ANSWER), fate(language, TOOL)))} |")
    return "\n".join(rows) + "\n\n" + "\n".join(section(language, folder) for language, folder in languages)


def filled(page: str, folders: Sequence[Path]) -> str:
    """The page with that part anew."""
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise Unfit("the page lacks the two marks between which this script writes")
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{written(folders)}\n{END}{rest.partition(END)[2]}"


def main(args: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; tell what would change, and exit 1")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to fill in or check")
    parser.add_argument("--languages", type=Path, default=LANGUAGES, help="the folder of the languages")
    options = parser.parse_args(args)

    there = options.page.read_text("utf-8")
    try:
        fresh = filled(there, sorted(file.parent for file in options.languages.glob("*/language.toml")))
    except Unfit as error:
        print(f"error: {error}.", file=sys.stderr)
        return 1
    if options.check and there != fresh:
        sys.stdout.writelines(
            difflib.unified_diff(there.splitlines(keepends=True), fresh.splitlines(keepends=True), "committed", "built")
        )
        print(f"error: {options.page.name} is not what language.toml gives; run `make docs`.", file=sys.stderr)
        return 1
    if not options.check:
        options.page.write_text(fresh, "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
