// Cuts the line of an open device page and lets it come back: the chart must then hold exactly the
// readings that the server has, none missing and none twice.

const CUT_MS = 6_000;
const WAIT_MS = 60_000;

/** Times of one signal's readings, as the server has them. */
async function stored(page, address, signal) {
  const text = await (await page.request.get(address)).text();
  const rows = text.trim().split("\r\n").slice(1).map((line) => line.split(","));
  return rows.filter((row) => row[2] === signal).map((row) => Date.parse(row[0]));
}

/** A list of what went wrong. */
export async function resume(browser, base, device) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const seen = [];
  await page.exposeFunction("seen", (rows) => seen.push(...rows));
  await page.addInitScript(() => {
    document.addEventListener("points", (event) => window.seen(event.detail));
  });
  await page.goto(`${base}${device}?range=1h`);
  const signal = await page.locator("figure.signal").first().getAttribute("data-signal");
  const opened = await page.locator("#state").getAttribute("data-from");
  const before = (await stored(page, `${base}${device}.csv?range=1h`, signal)).at(-1) ?? 0;
  const arrived = () => seen.filter(([name]) => name === signal).length;
  const until = async (count) => {
    const limit = Date.now() + WAIT_MS;
    while (arrived() < count && Date.now() < limit) await page.waitForTimeout(200);
  };
  await until(1);
  const problems = [];
  if (arrived() === 0) problems.push(`no reading of ${signal} arrived within ${WAIT_MS} ms`);
  await context.setOffline(true);
  await page.waitForTimeout(CUT_MS);
  const cut = arrived();
  await context.setOffline(false);
  await until(cut + 1);
  await page.waitForTimeout(1_000);
  const times = seen.filter(([name]) => name === signal).map(([, time]) => time);
  const server = await stored(page, `${base}${device}.csv?range=1h`, signal);
  const last = Math.max(...times);
  const missing = server.filter((time) => time > before && time <= last && !times.includes(time));
  const twice = times.filter((time, index) => times.indexOf(time) !== index);
  if (missing.length > 0) problems.push(`${missing.length} readings never arrived`);
  if (twice.length > 0) problems.push(`${twice.length} readings arrived twice`);
  console.log(`resume         ${signal}: ${times.length} readings from position ${opened}, line cut once`);
  await context.close();
  return problems;
}
