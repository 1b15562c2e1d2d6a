// What one client says and hears, packet by packet. The form works without this script too: then
// the lines come as they are.
const form = document.getElementById("trace-form");
const table = document.getElementById("trace-table");
const said = document.getElementById("trace-said");
const stop = document.getElementById("trace-stop");
const words = form.dataset;
const ROWS_MAX = 500;

/** @type {AbortController | undefined} */
let reading;

/** Isolated, so that a name in another script cannot turn the row around. */
function cell(text, kind) {
  const td = document.createElement("td");
  if (kind === "num") td.className = "num";
  const inner = document.createElement(kind === "code" ? "code" : "bdi");
  inner.textContent = text ?? "";
  td.append(inner);
  return td;
}

function about(line) {
  if (line.topic !== undefined) return line.topic || `#${line.alias}`;
  return (line.filters ?? []).join(", ");
}

function details(line) {
  if (line.payload_bytes === undefined) return "";
  const marks = [`QoS ${line.qos}`, line.retain && "retain", line.dup && "dup", `${line.payload_bytes} B`];
  return marks.filter(Boolean).join(", ");
}

function row(line) {
  const tr = document.createElement("tr");
  const time = line.time.slice(11, 23);
  const way = { in: words.in, out: words.out }[line.direction] ?? "";
  const reason = line.reason === undefined ? "" : `0x${line.reason.toString(16).padStart(2, "0")}`;
  tr.append(cell(time), cell(way), cell(line.packet), cell(line.id, "num"), cell(reason));
  tr.append(cell(about(line), "code"), cell(details(line)), cell(line.payload, "code"));
  return tr;
}

/** Newest first: nobody has to scroll to see what happens now. */
function show(line) {
  if (line.tracing !== undefined) return (said.textContent = words.waits);
  if (line.over) {
    return (said.textContent = line.dropped > 0 ? `${words.over} ${words.dropped} ${line.dropped}.` : words.over);
  }
  const body = table.tBodies[0];
  body.prepend(row(line));
  if (body.rows.length > ROWS_MAX) body.deleteRow(-1);
  table.parentElement.hidden = false;
}

async function* lines(body) {
  const text = body.pipeThrough(new TextDecoderStream());
  let rest = "";
  for (const reader = text.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    for (const part of parts) yield JSON.parse(part);
  }
}

function busy(on) {
  stop.hidden = !on;
  for (const button of form.querySelectorAll("[name=seconds]")) button.hidden = on;
}

async function trace(button) {
  const mine = (reading = new AbortController());
  table.tBodies[0].replaceChildren();
  busy(true);
  try {
    const asked = new URLSearchParams(new FormData(form, button));
    const answer = await fetch(`${form.action}?${asked}`, { method: "POST", signal: mine.signal });
    if (!answer.ok) said.textContent = (await answer.json()).error?.message ?? answer.statusText;
    else for await (const line of lines(answer.body)) show(line);
  } catch {
    said.textContent = mine.signal.aborted ? words.over : words.lost;
  }
  busy(false);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  trace(event.submitter);
});
stop.addEventListener("click", () => reading?.abort());
addEventListener("pagehide", () => reading?.abort());
