// Shows what the sandbox remembers, as the sandbox tells it (server-sent events), and presses its buttons (/_sandbox).
"use strict";

const PRESETS = {
  "503, no engine": { status: 503, headers: { "Retry-After": "1" } },
  "429, rate limit": { status: 429, headers: { "Retry-After": "2" } },
  "500 after the work": { status: 500, processed: true },
  "HTML 502": { status: 502, body: "<html><h1>502 Bad Gateway</h1></html>" },
  "Reset before the work": { close: "before" },
  "Answer lost": { close: "after" },
  "Cut short": { truncate: true },
  "Slow, 5 s": { delay_answer: 5 },
};

const at = (id) => document.getElementById(id);
const open = new Set();
let shown = {};
let requests = 0;

// An element with children; text is always text, so nothing that was sent can become markup.
function el(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) node.setAttribute(key, value);
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

const span = (kind, text) => el("span", { class: kind }, text);
const time = (seconds) => new Date(seconds * 1000).toLocaleTimeString();
const json = (value) => el("pre", {}, typeof value === "string" ? value : JSON.stringify(value, null, 2));
const part = (title, value) => (value === null || value === undefined ? [] : [el("p", { class: "soft" }, title), json(value)]);
const briefly = (fault) => Object.entries(fault ?? {}).map(([key, value]) => `${key}: ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");

async function act(call, body) {
  const [method, path] = call.split(" ");
  at("problem").textContent = "";
  try {
    const answer = await fetch(`/_sandbox/${path}`, { method, body, headers: body ? { "Content-Type": "application/json" } : {} });
    if (!answer.ok) at("problem").textContent = (await answer.json()).message ?? `the sandbox answered ${answer.status}`;
  } catch {
    at("problem").textContent = "the sandbox cannot be reached";
  }
}

function button(text, call, label) {
  const node = el("button", { type: "button", "aria-label": label }, text);
  node.addEventListener("click", () => act(call));
  return node;
}

// One that stays open when it is drawn anew.
function details(key, summary, ...inside) {
  const node = el("details", {}, el("summary", {}, ...summary), ...inside);
  node.open = open.has(key);
  node.addEventListener("toggle", () => (node.open ? open.add(key) : open.delete(key)));
  return node;
}

function session(one) {
  const end = one.active ? button("End", `POST sessions/${one.id}/end`, `End session ${one.id}`) : null;
  const facts = [one.mode, one.label && `label ${one.label}`, one.livekit_room && `room ${one.livekit_room}`, one.delivered ? null : "its client was not told"];
  const state = one.active ? span("good", "running") : span("soft", `ended: ${one.end_reason}`);
  return el("li", {},
    details(`s${one.id}`, [state, " ", el("code", {}, one.id)], ...part("Persona", one.persona), ...part("Options", one.session_options), ...part("Environment", one.environment)),
    el("p", { class: "soft" }, `since ${time(one.started_at)} · `, facts.filter(Boolean).join(" · ")), end ?? "");
}

function request(one) {
  const kind = one.status === null ? "soft" : one.status < 400 ? "good" : "bad";
  const summary = [span(kind, String(one.status ?? "…")), ` ${one.method} ${one.path}`, one.fault ? span("fault", ` · fault: ${briefly(one.fault)}`) : ""];
  return el("li", {},
    details(`r${one.number}`, summary, ...part("Headers", one.headers), ...part("Body", one.body), ...part("Answer", one.answer)),
    el("p", { class: "soft" }, `#${one.number} at ${time(one.received_at)} · `, one.credential ?? "no credential"));
}

function token(one) {
  const used = one.used_by.length ? "used" : one.expires_at * 1000 < Date.now() ? "expired" : "fresh";
  return el("li", {}, span(used === "fresh" ? "good" : "soft", used), ` ${one.type} `, el("code", {}, one.id),
    el("p", { class: "soft" }, `until ${new Date(one.expires_at * 1000).toLocaleString()}`, one.label ? ` · label ${one.label}` : ""));
}

// Only what has changed is drawn: a list that did not move keeps its focus.
function draw(id, items, make) {
  const text = JSON.stringify(items);
  if (shown[id] === text) return;
  shown[id] = text;
  at(id).replaceChildren(...items.map(make));
}

function show(state) {
  if (state.counts.requests < requests) open.clear(); // a reset: numbers begin anew
  requests = state.counts.requests;
  at("address").textContent = state.base_url;
  at("running").textContent = `${state.active_sessions} running, ${state.counts.sessions} in all`;
  at("requested").textContent = state.counts.requests;
  at("minted").textContent = state.counts.tokens;
  draw("faults", state.faults, (fault) => el("li", { class: "fault" }, briefly(fault)));
  draw("sessions", state.sessions, session);
  draw("requests", state.requests, request);
  draw("tokens", state.tokens, token);
}

for (const [text, fault] of Object.entries(PRESETS)) {
  const node = el("button", { type: "button" }, text);
  node.addEventListener("click", () => {
    const { times, operation } = Object.fromEntries(new FormData(at("fault")));
    const which = { ...(operation && { operation }), ...(times && { times: Number(times) }) };
    act("POST faults", JSON.stringify({ ...which, ...fault }));
  });
  at("presets").append(node);
}
for (const node of document.querySelectorAll("[data-do]")) node.addEventListener("click", () => act(node.dataset.do, node.dataset.body));

const events = new EventSource("/_sandbox/events");
events.onopen = () => (at("connection").textContent = "live");
events.onerror = () => (at("connection").textContent = "not reached; trying again …");
events.onmessage = (event) => show(JSON.parse(event.data));
