// A page with the vendor's SDK, `anam`: asks its own server for a token, starts the session, and tells a person what to do
// when it does not come about.

import { ofClose, ofMicrophone, ofSilence, ofStart, ofToken } from "./advice.js";

const PATIENCE = Number(new URLSearchParams(location.search).get("patience") ?? 20); // seconds without a picture

const $ = (id) => document.getElementById(id);
let token = null; // kept until it is known to be used up; see advice.js
let attempt = null; // { client, microphone, timer } while there is one

class NotStarted extends Error {
  constructor(advice) {
    super(advice.title);
    this.advice = advice;
  }
}

async function freshToken() {
  const answer = await fetch("/api/session-token", { method: "POST" }).catch(() => null);
  if (!answer?.ok) throw new NotStarted(ofToken(answer?.status ?? 0, answer?.headers.get("Retry-After")));
  return (await answer.json()).sessionToken;
}

// Asked for before anything is started: a session that cannot hear anybody is billed like any other.
async function microphone() {
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch (error) {
    throw new NotStarted(ofMicrophone(error));
  }
}

async function start() {
  show("Connecting …", { busy: true });
  attempt = { client: null, microphone: null, timer: null };
  const mine = attempt;
  const over = (advice) => mine === attempt && end(advice);
  try {
    mine.microphone = await microphone();
    token ??= await freshToken();
    const { anamUrl } = await (await fetch("/api/config")).json();
    mine.client = anam.createClient(token, { api: { baseUrl: anamUrl } });
    mine.client.addListener(anam.AnamEvent.CONNECTION_CLOSED, (code, reason) => over(ofClose(code, reason)));
    mine.client.addListener(anam.AnamEvent.VIDEO_PLAY_STARTED, () => {
      clearTimeout(mine.timer);
      show("Connected", { busy: true });
    });
    await mine.client.streamToVideoElement("video", mine.microphone);
    token = null;
    if (mine === attempt) mine.timer = setTimeout(() => over(ofSilence(PATIENCE)), PATIENCE * 1000);
    else await mine.client.stopStreaming(); // stopped, or over, while it was being started
  } catch (error) {
    over(error instanceof NotStarted ? error.advice : ofStart(error));
  }
}

function end(advice) {
  const { client, microphone, timer } = attempt;
  attempt = null;
  clearTimeout(timer);
  client?.stopStreaming().catch(() => {});
  microphone?.getTracks().forEach((track) => track.stop());
  if (!advice.keepsToken) token = null;
  show("Not connected", { advice });
}

function show(state, { busy = false, advice = null } = {}) {
  $("state").textContent = state;
  $("start").disabled = busy;
  $("stop").disabled = !busy;
  $("notice").hidden = advice === null;
  if (advice === null) return;
  const { code, status = "", reason = "" } = advice.told;
  const [heading, text, operator] = $("notice").querySelectorAll("h2, p");
  heading.textContent = advice.title;
  text.textContent = advice.text;
  operator.textContent = [code, status, reason].filter(Boolean).join(" · ");
  Object.assign($("notice").dataset, { code, status, reason });
}

$("start").addEventListener("click", start);
$("stop").addEventListener("click", () => end(ofClose("CONNECTION_CLOSED_CODE_NORMAL")));
// A page that goes frees its slot.
addEventListener("pagehide", () => attempt?.client?.stopStreaming().catch(() => {}));
