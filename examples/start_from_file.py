"""A script: starts the persona that a file describes, and prints what a person needs to know.

ANAM_API_KEY=… python examples/start_from_file.py examples/cara.yaml
"""

from __future__ import annotations

import sys

from anam_facade import AnamClient, AnamConfigError, AnamError, PersonaConfig, SessionStartUncertainError


def main(path: str) -> int:
    try:
        persona = PersonaConfig.load(path)
        with AnamClient() as client:
            session = client.start_session(persona, client_label="from-a-file")
    except AnamConfigError as error:
        print(f"nothing was sent: {error}", file=sys.stderr)
        return 2
    except SessionStartUncertainError as error:
        print(f"a session may be running, label {error.client_label}: {error}", file=sys.stderr)
        return 3
    except AnamError as error:
        print(f"no session: {error}", file=sys.stderr)
        return 1
    print(f"session {session.session_id} waits for a browser at {session.engine_host}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
