// The sandbox's page, /docs, in a real browser: what a person sees, on a desk and on a phone, by day and by night.
// `make browser` starts the sandbox, and says where it and the browser are.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import * as pages from "./pages.mjs";

const { DESK, PHONE, SANDBOX, VIEWS, assertForEveryone, assertKeptToItself, picture, until } = pages;
const DOCS = `${SANDBOX}/docs`;
const opened = (options) => pages.opened({ url: DOCS, ...options });
let contract;

before(async () => (contract = await (await fetch(`${SANDBOX}/openapi.json`)).json()));

function resolved(node) {
  while (node.$ref) node = node.$ref.slice(2).split("/").reduce((inner, step) => inner[step], contract);
  return node;
}

function* operations() {
  for (const [path, item] of Object.entries(contract.paths))
    for (const [method, operation] of Object.entries(item)) yield { path, method, ...operation };
}

// Every body of an operation with its examples: the request's, and those of each status.
function* bodies(operation) {
  for (const [part, said] of Object.entries({ request: operation.requestBody, ...operation.responses }))
    for (const [name, example] of Object.entries(resolved(said).content["application/json"].examples))
      yield { part, name, ...resolved(example) };
}

for (const [device, viewport] of Object.entries({ desk: DESK, phone: PHONE })) {
  describe(`on a ${device}`, () => {
    let page;
    let seen;
    let visit;
    let close;
    before(async () => ({ page, seen, visit, close } = await opened({ viewport })));
    after(() => close());

    test("title and both operations are visible, with name, method and path", async () => {
      assert.equal(await page.title(), `${contract.info.title} ${contract.info.version}`);
      assert.ok(await page.getByRole("heading", { level: 1, name: contract.info.title }).isVisible());
      const all = [...operations()];
      assert.equal(all.length, 2);
      for (const { operationId, summary, method, path } of all) {
        const section = page.locator(`section[id="${operationId}"]`);
        assert.ok(await section.getByRole("heading", { level: 2, name: summary }).isVisible());
        assert.ok(await section.locator(".call").getByText(path, { exact: true }).isVisible());
        assert.ok(await section.locator(".call").getByText(method.toUpperCase(), { exact: true }).isVisible());
        assert.ok(await section.getByText(operationId, { exact: true }).isVisible());
      }
    });

    test("every example is visible and says what the contract says, errors included", async () => {
      for (const operation of operations()) {
        const parts = new Set();
        for (const { part, name, summary, value } of bodies(operation)) {
          const figure = page.locator(`figure[id="${operation.operationId}-${part}-${name}"]`);
          assert.ok(await figure.locator("figcaption").getByText(summary).isVisible(), name);
          assert.ok(await figure.locator("> pre").isVisible(), name);
          assert.deepEqual(JSON.parse(await figure.locator("> pre").innerText()), value, name);
          parts.add(part);
        }
        assert.ok(parts.has("request"));
        assert.ok(parts.has("200"));
        assert.ok([...parts].filter((part) => Number(part) >= 400).length >= 5);
      }
    });

    test("every schema is visible", async () => {
      const names = Object.keys(contract.components.schemas);
      assert.ok(names.length > 40);
      for (const name of names) assert.ok(await page.locator(`[id="schema-${name}"] h3`).isVisible(), name);
    });

    test("nothing was asked for but the page, and nobody complained", () => assertKeptToItself(seen, DOCS));

    test("nothing is wider than the screen, and text is large enough to read", async () => {
      const wide = await page.evaluate(() => {
        const width = document.documentElement.clientWidth;
        const far = [...document.querySelectorAll("body *:not(.skip)")].filter(
          (element) => element.getBoundingClientRect().right > width + 1,
        );
        return { page: document.documentElement.scrollWidth - width, far: far.map((element) => element.outerHTML) };
      });
      assert.deepEqual(wide, { page: 0, far: [] });
      const sizes = await page.evaluate(() =>
        [...document.querySelectorAll("main *")]
          .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
          .map((element) => parseFloat(getComputedStyle(element).fontSize)),
      );
      assert.ok(sizes.length > 500);
      assert.ok(Math.min(...sizes) >= 12, `${Math.min(...sizes)} px`);
    });

    test("a link to a schema leads there", async () => {
      await page.locator('[id="createSessionToken"]').getByRole("link", { name: "SessionTokenRequest" }).first().click();
      assert.equal(new URL(page.url()).hash, "#schema-SessionTokenRequest");
      const top = await page.locator('[id="schema-SessionTokenRequest"]').evaluate((e) => e.getBoundingClientRect().top);
      assert.ok(top >= -1 && top < 200, `${top} px`);
      await picture(page, `${device}-schema`);
    });

    test("the keyboard reaches every link and command, and shows where it is", async () => {
      await visit();
      await page.keyboard.press("Tab");
      const skip = page.getByRole("link", { name: "Skip to the contract" });
      assert.ok(await skip.evaluate((e) => e === document.activeElement && e.getBoundingClientRect().left >= 0));
      await page.keyboard.press("Enter");
      assert.equal(new URL(page.url()).hash, "#main");
      await visit();
      const links = await page.locator("a:visible, summary:visible").count();
      assert.ok(links > 100);
      const reached = new Set();
      for (let i = 0; i < links; i++) {
        await page.keyboard.press("Tab");
        const { number, outline } = await page.evaluate(() => {
          const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
          return {
            number: [...document.querySelectorAll("a, summary")].indexOf(document.activeElement),
            outline: outlineStyle === "none" ? 0 : parseFloat(outlineWidth), // the width stays when there is none
          };
        });
        assert.ok(outline >= 2, `link ${number} shows no focus`);
        reached.add(number);
      }
      assert.equal(reached.size, links);
      assert.ok(!reached.has(-1));
    });
  });
}

test("a copy on disk shows the same, under the policy that it carries", async () => {
  const { page, seen, close } = await opened({ url: new URL("../../generated/docs.html", import.meta.url).href });
  assert.ok(await page.getByRole("heading", { level: 1, name: contract.info.title }).isVisible());
  // The style was let in by its hash.
  assert.equal(await page.locator(".method").first().evaluate((e) => getComputedStyle(e).fontWeight), "600");
  assert.deepEqual(seen.console, []);
  assert.deepEqual(seen.violations, []);
  await page.evaluate(() => document.body.append(Object.assign(document.createElement("img"), { src: "x.png" })));
  await until(() => seen.violations.length);
  assert.deepEqual(seen.violations, ["img-src"]);
  await close();
});

for (const view of VIEWS) {
  test(`for everyone: ${view.name}`, async () => {
    const { page, close } = await opened({ ...view, bypassCSP: true });
    await picture(page, `docs-${view.name}`);
    await assertForEveryone(page, view);
    await close();
  });
}

describe("these checks can fail", () => {
  test("what the page wanted from elsewhere would be stopped by the policy, and noticed", async () => {
    const { page, seen, close } = await opened();
    await page.evaluate(() => {
      const image = document.createElement("img");
      image.src = "http://elsewhere.example/x.png";
      document.body.append(image);
      const script = document.createElement("script");
      script.textContent = "window.ran = true";
      document.body.append(script);
      document.body.setAttribute("style", "color: red");
    });
    // What the browser notices, it tells in its own time.
    await until(() => seen.violations.length >= 3 && seen.console.length >= 3);
    assert.deepEqual([...new Set(seen.violations)].sort(), ["img-src", "script-src-elem", "style-src-attr"]);
    assert.equal(await page.evaluate(() => window.ran), undefined);
    await close();
  });

  test("a request to elsewhere would be noticed", async () => {
    const { page, seen, close } = await opened({ bypassCSP: true });
    await page.evaluate(() => fetch("http://elsewhere.example/x").catch(() => {}));
    assert.ok(seen.requests.includes("http://elsewhere.example/x"));
    await close();
  });
});
