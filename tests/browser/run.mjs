// Looks at every page of a running console in Debian's Chromium: takes pictures and checks that a
// page is accessible, quiet, its own, and fits. Usage:
//   node run.mjs --base http://127.0.0.1:8080 --out DIR
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { resume } from "./resume.mjs";
import { explore, sql } from "./work.mjs";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const SIZES = [
  [1280, 860],
  [360, 740],
];
const THEMES = ["light", "dark"];
/** Brotli and gzip limits of a first load are tests of the crate; this is what the wire says. */
const WIRE_LIMIT = { plain: 30 * 1024, charts: 60 * 1024 };

function option(name) {
  const at = process.argv.indexOf(`--${name}`);
  const value = at < 0 ? undefined : process.argv[at + 1];
  if (!value) throw new Error(`--${name} is missing`);
  return value;
}

const base = option("base").replace(/\/$/, "");
const out = option("out");
mkdirSync(out, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const failures = [];

function fail(page, what) {
  failures.push(`${page}: ${what}`);
  console.log(`  FAIL ${page}: ${what}`);
}

/** Pages to look at. The device is one that has charts, preferably with many readings. */
async function pages(browser) {
  let tab = await browser.newPage();
  await tab.goto(`${base}/devices`);
  const devices = await tab.locator("table.rows .who a").evaluateAll((links) => links.map((a) => a.pathname));
  let device;
  let most = 0;
  for (const path of devices) {
    // A page of its own: the one before may load itself anew, which breaks off what it is told.
    await tab.close();
    tab = await browser.newPage();
    await tab.goto(base + path);
    const charts = await tab.locator("figure.signal").count();
    if (charts > most) {
      [device, most] = [path, charts];
    }
    if (charts >= 3) break;
  }
  await tab.close();
  const select = encodeURIComponent("SELECT * FROM latest ORDER BY time DESC LIMIT 20");
  const list = [
    ["overview", "/"],
    ["devices", "/devices"],
    ["devices-none", "/devices?text=nothing-has-this-name"],
    ["completeness", "/completeness"],
    ["completeness-28d", "/completeness?days=28"],
    ["explore", "/explore"],
    ["explore-time", "/explore?signal=temperature&from=never"],
    ["sql", "/sql"],
    ["sql-rows", `/sql?q=${select}`],
    ["sql-plan", `/sql?q=${select}&explain=1`],
    ["sql-fault", "/sql?q=DROP%20TABLE%20readings", 400],
    ["system", "/system"],
    ["system-none", "/system?search=nobody-has-this-name"],
    ["about", "/about"],
    ["licences", "/about/licences"],
    ["nothing", "/no-such-page", 404],
    ["no-device", "/devices/no-such-device", 404],
  ];
  if (device) {
    const name = encodeURIComponent(decodeURIComponent(device.replace("/devices/", "")));
    list.push(["explore-lines", `/explore?device=${name}&compare=day`]);
    list.push(["explore-band", `/explore?device=${name}&range=7d&as=band`]);
    list.push(["explore-table", `/explore?device=${name}&as=mean&show=table`]);
    const hours = `SELECT time_bucket('1 hour', time) AS hour, signal, avg(number) AS mean FROM readings
      WHERE number IS NOT NULL AND device = '${decodeURIComponent(name)}' GROUP BY 1, 2 ORDER BY 1 LIMIT 400`;
    list.push(["sql-chart", `/sql?q=${encodeURIComponent(hours)}&show=chart`]);
    list.push(["device", device], ["device-1h", `${device}?range=1h`]);
    list.push(["completeness-device", `/completeness?device=${name}`]);
    list.push(["device-7d", `${device}?range=7d`], ["device-table", `${device}?show=table`]);
  }
  const tab2 = await browser.newPage();
  await tab2.goto(`${base}/system?presence=connected`);
  const clients = await tab2.locator("table.rows .who a").evaluateAll((links) => links.map((a) => a.pathname));
  await tab2.close();
  if (clients.length > 0) list.push(["client", clients[0]]);
  else fail("system", "no client is connected");
  return { list, device };
}

/** The packets of a client, as the browser of an operator gets them. */
async function trace(browser, path) {
  const page = await browser.newPage();
  await page.goto(base + path);
  await page.locator("#trace-form [name=payload]").check();
  await page.locator("#trace-form [value='60']").click();
  const rows = page.locator("#trace-table tbody tr");
  await rows.first().waitFor({ timeout: 60_000 }).catch(() => fail("trace", "no packet of a client came"));
  await page.screenshot({ path: `${out}/trace.png`, fullPage: true });
  await page.locator("#trace-stop").click();
  await page.locator("#trace-form [value='60']").waitFor();
  const said = await page.locator("#trace-said").textContent();
  if (!said.includes("over")) fail("trace", `after its end the page says: ${said}`);
  await page.close();
}

async function look(browser, entry, theme, [width, height], mode = "") {
  const [name, path, status = 200] = entry;
  const scripts = mode !== "noscript";
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    contrast: mode === "contrast" ? "more" : "no-preference",
    javaScriptEnabled: scripts,
    hasTouch: width < 760,
    isMobile: width < 760,
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const label = [name, theme, width, mode].filter((part) => part !== "").join(" ");
  const expected = status >= 400;
  let charts = false;
  page.on("console", (message) => {
    // Chromium writes a line for a page that answers 4xx; that answer is what we asked for.
    const answered = expected && message.text().includes(`status of ${status}`);
    if (message.type() === "error" && !answered) fail(label, `console: ${message.text()}`);
  });
  page.on("pageerror", (error) => fail(label, `script: ${error.message}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(base) && !request.url().startsWith("data:")) {
      fail(label, `asks another server: ${request.url()}`);
    }
    charts ||= request.url().includes("uPlot");
  });
  if (scripts) {
    await page.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => {
        console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`);
      });
    });
  }
  let wire = 0;
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  session.on("Network.loadingFinished", ({ encodedDataLength }) => (wire += encodedDataLength));
  const answer = await page.goto(base + path, { waitUntil: "load" });
  if (answer.status() !== status) fail(label, `status ${answer.status()}, not ${status}`);
  await page.evaluate(() => document.fonts.ready);
  if (scripts && (await page.locator("#points").count()) > 0) {
    await page.locator(".plot.on canvas").first().waitFor({ timeout: 5000 });
  }
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  if (overflow > 0) fail(label, `${overflow} px too wide`);
  const limit = charts ? WIRE_LIMIT.charts : WIRE_LIMIT.plain;
  if (wire > limit) fail(label, `${wire} bytes on the wire, limit ${limit}`);
  await page.screenshot({ path: join(out, `${label.replaceAll(" ", "-")}.png`), fullPage: true });
  if (scripts) {
    await session.send("Page.setBypassCSP", { enabled: true });
    await page.evaluate(axe);
    const result = await page.evaluate(() => window.axe.run({ resultTypes: ["violations"] }));
    for (const violation of result.violations) {
      const where = violation.nodes.map((node) => node.target.join(" ")).slice(0, 3).join(", ");
      fail(label, `axe ${violation.id}: ${violation.help} (${where})`);
    }
    if (width < 760) await targets(page, label);
  }
  await context.close();
  return wire;
}

/** On touch, what one presses is at least 24 px high and wide, text links in sentences aside. */
async function targets(page, label) {
  const small = await page.evaluate(() => {
    const pressed = [...document.querySelectorAll("a, button, input, summary")];
    const found = [];
    for (const one of pressed) {
      const box = one.getBoundingClientRect();
      const hidden = box.width === 0 || getComputedStyle(one).visibility === "hidden";
      if (hidden || one.closest(".skip, p:not(.crumb, .sort, .ends, .actions)")) continue;
      if (box.height < 24 || box.width < 24) {
        found.push(`${one.tagName} "${one.textContent.trim().slice(0, 24)}" ${box.width.toFixed(0)}×${box.height.toFixed(0)}`);
      }
    }
    return found;
  });
  if (small.length > 0) fail(label, `too small to press: ${small.slice(0, 4).join("; ")}`);
}

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
try {
  const { list, device } = await pages(browser);
  if (!device) fail("devices", "no device has a chart");
  for (const entry of list) {
    let wire = 0;
    for (const theme of THEMES) {
      for (const size of SIZES) wire = Math.max(wire, await look(browser, entry, theme, size));
      if (["overview", "device"].includes(entry[0])) await look(browser, entry, theme, SIZES[0], "contrast");
    }
    for (const size of SIZES) await look(browser, entry, "light", size, "noscript");
    console.log(`${entry[0].padEnd(14)} ${entry[1].slice(0, 60).padEnd(62)} ${wire} B`);
  }
  if (device) {
    for (const problem of await resume(browser, base, device)) fail("resume", problem);
    for (const problem of await explore(browser, base, device)) fail("explore", problem);
  }
  for (const problem of await sql(browser, base)) fail("sql", problem);
  const client = list.find(([name]) => name === "client");
  if (client) await trace(browser, client[1]);
} finally {
  await browser.close();
}
console.log(failures.length === 0 ? "all pages are as they should be" : `${failures.length} failures`);
process.exit(failures.length === 0 ? 0 : 1);
