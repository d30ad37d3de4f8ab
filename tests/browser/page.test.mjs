// The sandbox's front page in a real browser: what it shows as it happens, and what its buttons do.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";

import { DESK, PHONE, SANDBOX, VIEWS, assertForEveryone, assertKeptToItself, opened, picture } from "./pages.mjs";

const URL_ = `${SANDBOX}/`;
const AVATAR = "30fa96d0-26c4-4e55-94a0-517025942e18";
const control = (method, path) => fetch(`${SANDBOX}/_sandbox/${path}`, { method });
const state = async () => (await control("GET", "state")).json();
let key;

before(async () => {
  const docs = await (await fetch(`${SANDBOX}/docs`)).text();
  key = docs.match(/API key <code>(.*?)<\/code>/)[1];
});
beforeEach(() => control("POST", "reset"));

async function call(path, body, bearer = key) {
  const headers = { Authorization: `Bearer ${bearer}`, "Content-Type": "application/json" };
  const answer = await fetch(`${SANDBOX}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: answer.status, ...(await answer.json().catch(() => ({}))) };
}
const mint = (body = {}) =>
  call("/v1/auth/session-token", { personaConfig: { avatarId: AVATAR, llmId: "CUSTOMER_CLIENT_V1" }, ...body });
const start = (body = {}) => call("/v1/engine/session", { personaConfig: { avatarId: AVATAR, llmId: "x" }, ...body });

for (const [device, viewport] of Object.entries({ desk: DESK, phone: PHONE })) {
  describe(`on a ${device}`, () => {
    let page;
    let seen;
    let close;
    before(async () => ({ page, seen, close } = await opened({ url: URL_, viewport })));
    after(() => close());
    const list = (id) => page.locator(`#${id} > li`);
    const gone = (locator) => locator.first().waitFor({ state: "detached" });

    test("what happens is shown by itself, the newest first, and nothing secret", async () => {
      await page.getByText("live", { exact: true }).waitFor();
      assert.equal(await page.locator("#address").innerText(), SANDBOX);
      await mint({ clientLabel: "<b>front</b>" });
      await list("tokens").getByText("label <b>front</b>").waitFor();
      await list("requests").getByText("POST /v1/auth/session-token").waitFor();
      const environment = { livekitUrl: "wss://rooms.example.org", livekitToken: "very.secret.token" };
      const { sessionId } = await start({ environment });
      await list("sessions").getByText(sessionId).waitFor();
      await list("requests").getByText("POST /v1/engine/session").click();
      await list("requests").first().getByText("rooms.example.org").waitFor();
      const text = await page.content();
      assert.ok(!text.includes("very.secret.token") && !text.includes(key));
      assert.match(await list("requests").first().innerText(), /^201/);
      await picture(page, `page-${device}`, { fullPage: true });
    });

    test("what was opened stays open when more happens", async () => {
      await gone(list("requests"));
      await start();
      await list("requests").first().locator("summary").click();
      await start();
      await page.locator("#requests > li:nth-child(2)").waitFor();
      assert.deepEqual(await list("requests").locator("details").evaluateAll((all) => all.map((one) => one.open)), [false, true]);
    });

    test("a session is ended by its button, and all by theirs", async () => {
      const { sessionId } = await start();
      await start();
      await start();
      await page.getByRole("button", { name: `End session ${sessionId}` }).click();
      await page.getByText("2 running, 3 in all").waitFor();
      await page.getByRole("button", { name: "End all sessions" }).click();
      await page.getByText("0 running, 3 in all").waitFor();
      assert.deepEqual((await state()).sessions.map(({ end_reason }) => end_reason), ["stopped", "stopped", "stopped"]);
    });

    test("faults are injected, met, shown and cleared", async () => {
      await page.getByLabel("Next").selectOption("2");
      await page.getByRole("button", { name: "503, no engine" }).click();
      await list("faults").getByText("status: 503").waitFor();
      assert.deepEqual([(await start()).status, (await start()).status, (await start()).status], [503, 503, 201]);
      await page.getByText("fault: operation: createEngineSession").first().waitFor();
      await page.getByLabel("calls of").selectOption("mint");
      await page.getByRole("button", { name: "HTML 502" }).click();
      await list("faults").nth(1).waitFor();
      assert.equal((await mint()).status, 502);
      await picture(page, `page-${device}-faults`, { fullPage: true });
      await page.getByRole("button", { name: "Clear faults" }).click();
      await gone(list("faults"));
      assert.equal((await mint()).status, 200);
    });

    test("every preset is one that the sandbox takes", async () => {
      const presets = page.locator("#presets button");
      const many = await presets.count();
      assert.ok(many >= 8);
      for (let i = 0; i < many; i++) await presets.nth(i).click();
      await list("faults").nth(many - 1).waitFor();
      assert.equal(await page.locator("#problem").innerText(), "");
      assert.equal((await state()).faults.length, many);
    });

    test("after a reset nothing is left", async () => {
      await start();
      await list("sessions").waitFor();
      await page.getByRole("button", { name: "Reset everything" }).click();
      await gone(list("sessions"));
      assert.deepEqual((await state()).requests, []);
    });

    test("nothing was asked of others, and the policy was kept", () => assertKeptToItself(seen, URL_));

    test("an outage is seen, and outlasted", async () => {
      await page.getByRole("button", { name: "Outage of 3 s" }).click();
      await page.getByText("not reached; trying again …").waitFor();
      await page.getByText("live", { exact: true }).waitFor();
      await start();
      await list("sessions").waitFor();
    });
  });
}

for (const view of VIEWS) {
  test(`for everyone: ${view.name}`, async () => {
    const { page, close } = await opened({ url: URL_, ...view, bypassCSP: true });
    await mint({ clientLabel: "a-label-that-is-rather-long-".repeat(4) });
    await start({ clientLabel: "front" });
    await start({ personaConfig: { nonsense: 1 } });
    await page.locator("#requests > li:nth-child(3)").waitFor();
    for (const summary of await page.locator("summary").all()) await summary.click();
    await picture(page, `page-${view.name}`, { fullPage: true });
    await assertForEveryone(page, view);
    await close();
  });
}
