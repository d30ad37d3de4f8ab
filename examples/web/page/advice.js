// What a person is told about each way in which a session does not come about, and what becomes of the token.
//
// A token starts one session at most. As long as nobody knows whether it has started one, it is kept for the next try: with
// the same token that cannot start a second session; with a new one it could.

const LATER = "Please try again in a few minutes.";
const SITE = "Trying again will not help: the people who run this site have to change something. They can see why below.";
const KEEP = true; // the token, for the next try

const UNCERTAIN = ["We cannot tell whether your conversation was started", "It may be running without you. " + LATER];

// By the SDK's error code, and where that stands for several things, by the status as well.
const START = {
  CLIENT_ERROR_CODE_VALIDATION_ERROR: ["This conversation is set up wrongly", SITE],
  CLIENT_ERROR_CODE_CONFIGURATION_ERROR: ["This conversation is set up wrongly", SITE],
  CLIENT_ERROR_CODE_NO_PLAN_FOUND: ["This site cannot start conversations", SITE],
  CLIENT_ERROR_CODE_SPEND_CAP_REACHED: ["This site cannot start conversations now", SITE],
  "CLIENT_ERROR_CODE_AUTHENTICATION_ERROR 403": ["This site cannot start conversations of this kind", SITE],
  // The token was minted for this start. If it is refused, then most likely because an earlier try, whose answer was lost,
  // has used it up: the SDK repeats a start by itself, and so may the browser.
  "CLIENT_ERROR_CODE_AUTHENTICATION_ERROR 401": UNCERTAIN,
  "CLIENT_ERROR_CODE_SERVER_ERROR 409": UNCERTAIN,
  CLIENT_ERROR_CODE_MAX_CONCURRENT_SESSIONS_REACHED: ["Everyone here is in a conversation", LATER, KEEP],
  CLIENT_ERROR_CODE_USAGE_LIMIT_REACHED: ["Too many conversations are being started", LATER, KEEP],
  CLIENT_ERROR_CODE_SERVICE_BUSY: ["Nobody is free right now", LATER, KEEP],
  // Any other status; and 500 for what never came, such as an answer without CORS headers or the page of a proxy.
  CLIENT_ERROR_CODE_SERVER_ERROR: ["The connection could not be made", "Check your network, and try again.", KEEP],
};

const CLOSED = {
  CONNECTION_CLOSED_CODE_NORMAL: ["The conversation has ended", ""],
  CONNECTION_CLOSED_CODE_SERVER_CLOSED_CONNECTION: ["The conversation was ended", "You can start a new one."],
  CONNECTION_CLOSED_CODE_MICROPHONE_PERMISSION_DENIED: ["Cara cannot hear you", "Allow the microphone, and start again."],
  CONNECTION_CLOSED_CODE_SIGNALLING_CLIENT_CONNECTION_FAILURE: [
    "The conversation was started, but you could not be connected",
    "Some company networks do not let web sockets through. " + LATER,
  ],
  CONNECTION_CLOSED_CODE_WEBRTC_FAILURE: [
    "The conversation was started, but there is no picture or sound",
    "Some company networks do not let video calls through. Try another network.",
  ],
};

const said = ([title, text, keepsToken = false], told) => ({ title, text, keepsToken, told });

/** Of an error that `createClient` threw, or with which `streamToVideoElement` was rejected. */
export function ofStart({ code = "", statusCode = "", message = "", details }) {
  const advice = START[`${code} ${statusCode}`] ?? START[code] ?? START.CLIENT_ERROR_CODE_SERVER_ERROR;
  return said(advice, { code, status: statusCode, reason: details?.cause ?? message });
}

/** Of the event `CONNECTION_CLOSED`: the session had been started. */
export function ofClose(code, reason = "") {
  const [title, text] = CLOSED[code] ?? CLOSED.CONNECTION_CLOSED_CODE_NORMAL;
  return said([title, `${reason} ${text}`.trim()], { code, reason });
}

/** Nothing came, and nothing was said, for so long. */
export function ofSilence(seconds) {
  const told = { code: "no picture", reason: `nothing came for ${seconds} s` };
  return said(["The conversation was started, but Cara does not answer", LATER], told);
}

/** The page's own server had no token. Nothing was started. */
export function ofToken(status, retryAfter) {
  const when = retryAfter ? `Please try again in ${retryAfter} seconds.` : LATER;
  return said(["Nobody is free right now", when], { code: "token server", status });
}

/** The microphone was not allowed, or there is none. Nothing was started. */
export function ofMicrophone({ name }) {
  const why = name === "NotAllowedError" ? "Allow the microphone, and start again." : "No microphone was found.";
  return said(["Cara cannot hear you", why, KEEP], { code: "microphone", reason: name });
}
