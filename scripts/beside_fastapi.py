"""Install the sandbox beside FastAPI as it was in the last two years, and try it there: `beside_fastapi.py`.

Each FastAPI wants another range of Starlette, which the sandbox is built on too. Each gets an environment of its own,
which is thrown away: pip has to find versions that suit both, and what it finds has to pass the sandbox's tests.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WANTED = ("fastapi==0.115.0", "fastapi==0.120.0", "fastapi==0.128.0", "fastapi")
TESTS = ("start", "mint", "control", "docs", "http", "faults_on_the_wire", "signalling", "page")


def beside(wanted: str) -> None:
    with tempfile.TemporaryDirectory(prefix="beside-") as folder:
        venv.create(folder, with_pip=True)
        python = str(next(Path(folder).glob("*/python"), Path(folder) / "Scripts" / "python.exe"))
        pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        subprocess.run([*pip, wanted, f"{ROOT}[sandbox]", "pytest>=9,<10"], check=True)
        listed = subprocess.run([python, "-m", "pip", "freeze"], capture_output=True, encoding="utf-8", check=True)
        found = [line for line in listed.stdout.splitlines() if line.startswith(("fastapi==", "starlette=="))]
        print(f"{wanted}: {', '.join(found)}", flush=True)
        tests = [str(ROOT / "tests" / "sandbox" / f"test_{name}.py") for name in TESTS]
        # -P: what is tried is what was installed. The tests' own conftest is about clients, and needs more than that.
        pytest = [python, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--confcutdir={ROOT}/tests/sandbox"]
        subprocess.run([*pytest, *tests], cwd=ROOT, check=True)


def main() -> int:
    for wanted in sys.argv[1:] or WANTED:
        try:
            beside(wanted)
        except subprocess.CalledProcessError as error:
            print(f"error: {wanted}: {' '.join(error.cmd[:4])} … failed with {error.returncode}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
