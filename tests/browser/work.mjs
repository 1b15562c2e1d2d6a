// What scripts add to Explore and SQL: names that are found while one types, a chart that is read by
// pointing, statements that are inserted, stopped and kept.

const WAIT_MS = 30_000;
const ENDLESS = "SELECT count(*) FROM generate_series(1, 100000000000) WHERE value % 7 = 3";

/** A list of what went wrong on Explore. `device` is the path of a device with charts. */
export async function explore(browser, base, device) {
  const problems = [];
  const context = await browser.newContext();
  const page = await context.newPage();
  page.on("pageerror", (error) => problems.push(`script: ${error.message}`));
  const name = decodeURIComponent(device.replace("/devices/", ""));
  await page.goto(`${base}/explore`);
  await page.locator("[name=find-device]").pressSequentially(name);
  const box = page.locator(`input[name=device][value="${name}"]`);
  await box.waitFor({ timeout: WAIT_MS }).catch(() => problems.push(`typing does not find ${name}`));
  await box.focus();
  await page.keyboard.press("Space");
  await page.keyboard.press("Enter");
  await page.locator(".plot.on canvas").first().waitFor({ timeout: WAIT_MS });
  const address = new URL(page.url());
  if (address.searchParams.get("device") !== name) problems.push(`the address is ${address}`);
  // Hovering scrolls to it and waits until it stands still.
  const plot = page.locator(".plot").first();
  const size = await plot.boundingBox();
  await plot.hover({ position: { x: size.width * 0.7, y: size.height / 2 } });
  const read = page.locator(".legend b").first();
  await page.waitForFunction((one) => one.textContent !== "", await read.elementHandle(), { timeout: WAIT_MS })
    .catch(() => problems.push("the legend says no value under the pointer"));
  const [file] = await Promise.all([page.waitForEvent("download"), page.locator("a[download='explore.csv']").click()]);
  const head = (await (await file.createReadStream()).toArray()).join("").split(/\r?\n/)[0];
  if (!head.startsWith("time,device,signal,value")) problems.push(`the file begins with ${head}`);
  await page.getByRole("link", { name: "Show as SQL" }).click();
  await page.locator(".answer table").waitFor({ timeout: WAIT_MS });
  await context.close();
  return problems;
}

/** A list of what went wrong on SQL. */
export async function sql(browser, base) {
  const problems = [];
  const context = await browser.newContext();
  const page = await context.newPage();
  page.on("pageerror", (error) => problems.push(`script: ${error.message}`));
  await page.goto(`${base}/sql`);
  const statement = page.locator("#q");
  await statement.fill("SELECT  FROM latest");
  await statement.evaluate((area) => area.setSelectionRange(7, 7));
  await page.getByRole("button", { name: "device", exact: true }).first().click();
  const written = await statement.inputValue();
  if (written !== "SELECT device FROM latest") problems.push(`a click wrote ${written}`);
  await page.keyboard.press("Control+Enter");
  await page.locator(".answer table").waitFor({ timeout: WAIT_MS });
  await page.locator(".shelf summary").click();
  const ran = await page.locator("#history button").first().textContent();
  if (ran !== written) problems.push(`the last statement is ${ran}`);

  await page.locator("#name").fill("<b>names</b>");
  await page.keyboard.press("Enter");
  const saved = page.locator("#saved button").first();
  if ((await saved.textContent()) !== "<b>names</b>") problems.push("a saved statement has another name");
  const [file] = await Promise.all([page.waitForEvent("download"), page.locator("#export").click()]);
  const text = (await (await file.createReadStream()).toArray()).join("");
  if (text !== `-- name: <b>names</b>\n${written}\n`) problems.push(`exported: ${text}`);
  await page.locator("#saved .remove").click();
  const buffer = Buffer.from(text);
  await page.locator("#import").setInputFiles({ name: "queries.sql", mimeType: "text/plain", buffer });
  await saved.waitFor({ timeout: WAIT_MS }).catch(() => problems.push("what was exported cannot be imported"));

  await statement.fill(ENDLESS);
  // Within the page: a browser that is driven waits for the answer before it clicks again.
  const said = await page.evaluate(
    () =>
      new Promise((resolve) => {
        document.getElementById("asking").requestSubmit();
        setTimeout(() => {
          document.getElementById("stop").click();
          resolve(document.getElementById("said").textContent);
        }, 1_000);
      }),
  );
  if (!said.startsWith("Stopped")) problems.push(`after a stop the page says: ${said}`);
  if ((await statement.inputValue()) !== ENDLESS) problems.push("a stop loses the statement");
  await statement.fill("SELECT 1 AS one");
  await page.getByRole("button", { name: "Explain" }).click();
  await page.locator(".plan").first().waitFor({ timeout: WAIT_MS }).catch(() => problems.push("there is no plan"));
  await context.close();
  return problems;
}
