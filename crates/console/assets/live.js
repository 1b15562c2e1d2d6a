// One stream for the tab that is looked at. It goes on from the position the page was drawn at, so
// nothing is missed in between, and a point is never drawn twice.
const state = document.getElementById("state");
const now = state.querySelector(".now");
const word = now.querySelector("b");
const mark = now.querySelector("svg");
const line = navigator.connection ?? {};
const spare = line.saveData || /2g/.test(line.effectiveType ?? "");
const waiting = document.getElementById("waiting");
const QUIET_MS = 10_000;
const AGAIN_MS = 30_000;

/** @type {Map<string, Element[]>} */
const cells = new Map();
for (const cell of document.querySelectorAll("[data-cell]")) {
  const list = cells.get(cell.dataset.cell) ?? [];
  list.push(cell);
  cells.set(cell.dataset.cell, list);
}

/** @type {EventSource | undefined} */
let source;
let heard = state.dataset.from;
let quiet;

function say(on) {
  now.hidden = false;
  state.classList.toggle("lost", !on);
  word.textContent = on ? state.dataset.on : state.dataset.lost;
  mark.setAttribute("class", on ? "mark ok" : "mark warn");
  mark.firstElementChild.setAttribute("href", on ? "#ok" : "#warn");
}

/** Called for every event: the line stands, and the page knows all up to its position. */
function hear(event) {
  if (event.lastEventId) heard = event.lastEventId;
  // The page of a site without devices waits for the first.
  if (waiting && heard !== state.dataset.from) location.reload();
  say(true);
  clearTimeout(quiet);
  quiet = setTimeout(() => say(false), QUIET_MS);
}

function show(name, text) {
  if (name === "@durable") {
    const time = state.querySelector("time");
    if (time) time.textContent = text;
  }
  for (const cell of cells.get(name) ?? []) {
    if (cell instanceof SVGElement) {
      cell.setAttribute("class", `mark ${text}`);
      cell.firstElementChild.setAttribute("href", `#${text}`);
      continue;
    }
    if (cell.textContent === text) continue;
    const isolated = document.createElement("bdi");
    isolated.textContent = text;
    cell.replaceChildren(isolated);
    if (name.startsWith("#") || name.includes("#@")) continue;
    cell.classList.add("changed");
    setTimeout(() => cell.classList.remove("changed"), 600);
  }
}

function open() {
  if (source || document.hidden) return;
  const mine = new EventSource(`${state.dataset.stream}&from=${heard}`);
  source = mine;
  mine.addEventListener("v", (event) => {
    for (const [name, text] of Object.entries(JSON.parse(event.data))) show(name, text);
    hear(event);
  });
  mine.addEventListener("p", (event) => {
    document.dispatchEvent(new CustomEvent("points", { detail: JSON.parse(event.data) }));
    hear(event);
  });
  mine.addEventListener("gone", () => location.reload());
  mine.addEventListener("error", () => {
    say(false);
    // A refusal is final for the browser, not for us: there may be room later.
    if (mine.readyState !== EventSource.CLOSED) return;
    close();
    setTimeout(open, AGAIN_MS);
  });
}

function close() {
  source?.close();
  source = undefined;
  clearTimeout(quiet);
}

if (spare) {
  state.querySelector(".again").hidden = false;
} else {
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
}
