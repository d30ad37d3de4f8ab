"""A Flask view that mints session tokens: one client for the process, shared by every thread and worker.

ANAM_API_KEY=… PERSONA_ID=… flask --app examples.flask_app run

POST /api/session-token  →  {"sessionToken": "…"}
"""

from __future__ import annotations

import os

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue

from anam_facade import AnamClient, AnamError, PersonaConfig

app = Flask(__name__)
anam = AnamClient()  # safe to create before the server forks its workers


@app.post("/api/session-token")
def session_token() -> ResponseReturnValue:
    persona = PersonaConfig.saved(os.environ["PERSONA_ID"])
    token = anam.create_session_token(persona, client_label="web")
    return jsonify(sessionToken=token.value), 200, {"Cache-Control": "no-store"}


@app.errorhandler(AnamError)
def no_avatar(error: AnamError) -> ResponseReturnValue:
    app.logger.error("minting failed: %s", error)  # the details are for your log, not for a visitor
    return jsonify(error="no avatar right now"), 503
