// What the sandbox can get wrong, for `make web` and for the tests. No part of a page for people: without `?sandbox` in its
// address, nothing of this shows.

const START = "createEngineSession";
const MINT = "createSessionToken";
const start = (fault) => [{ operation: START, ...fault }];
const limit = (error) => start({ status: 429, body: { error, message: error } });

/** Each by its name: what is to be posted to the sandbox's /_sandbox/faults. */
export const FAULTS = {
  "no fault": [],
  "400 Bad Request": start({ status: 400 }),
  "401 Unauthorized": start({ status: 401 }),
  "402 Payment Required": start({ status: 402 }),
  "403 Forbidden": start({ status: 403 }),
  "409 Conflict": start({ status: 409 }),
  "429 Concurrent session limit reached": limit("Concurrent session limit reached"),
  "429 Spend cap reached": limit("Spend cap reached"),
  "429 anything else": limit("Too Many Requests"),
  "500 Internal Server Error": start({ status: 500 }),
  "503 Service Unavailable": start({ status: 503, headers: { "Retry-After": "1" } }),
  "502 with a page of HTML": start({ status: 502, body: "<html>Bad Gateway</html>" }),
  "503, once": start({ status: 503, times: 1 }),
  "502 with a page of HTML, once": start({ status: 502, body: "<html>Bad Gateway</html>", times: 1 }),
  "reset before the work": start({ close: "before" }),
  "reset before the work, once": start({ close: "before", times: 1 }),
  "503 without CORS": start({ status: 503, headers: { "Access-Control-Allow-Origin": "http://elsewhere.example" } }),
  "200 without clientConfig": start({ status: 200, processed: true, body: { sessionId: "s-1", engineHost: "127.0.0.1" } }),
  "200 without engineHost (LiveKit)": start({ status: 200, processed: true, body: { sessionId: "s-1", clientConfig: {} } }),
  "answer lost: reset after the work": start({ close: "after", times: 1 }),
  "answer lost: cut short": start({ truncate: true, times: 1 }),
  "answer lost: 500 after the work": start({ status: 500, processed: true, times: 1 }),
  "answer lost: 500 after the work, always": start({ status: 500, processed: true }),
  "answer lost: held for 12 s": start({ delay_answer: 12, times: 1 }),
  "socket refused": [{ operation: "signalling", close: "before" }],
  "socket dropped, once": [{ operation: "signalling", close: "after", times: 1 }],
  "socket silent": [{ operation: "signalling", delay_answer: 3600 }],
  "session ended after 1 s": [{ operation: "signalling", delay_answer: 1, body: "Maintenance" }],
  "token server: 401": [{ operation: MINT, status: 401 }],
  "token server: 429": [{ operation: MINT, status: 429, headers: { "Retry-After": "40" } }],
};

async function offer() {
  const { anamUrl } = await (await fetch("/api/config")).json();
  const select = document.getElementById("fault");
  select.replaceChildren(...Object.keys(FAULTS).map((name) => new Option(name)));
  select.addEventListener("change", async () => {
    await fetch(`${anamUrl}/_sandbox/faults`, { method: "DELETE" });
    const body = JSON.stringify(FAULTS[select.value]);
    await fetch(`${anamUrl}/_sandbox/faults`, { method: "POST", body });
  });
  document.getElementById("faults").hidden = false;
}

if (globalThis.location && new URLSearchParams(location.search).has("sandbox")) offer();
