// The page works as a form without this. Here: keys, names that are inserted, a statement that is
// stopped, and statements that this browser keeps.
const statement = document.getElementById("q");
const form = document.getElementById("asking");
const stop = document.getElementById("stop");
const said = document.getElementById("said");
const shelf = document.getElementById("shelf");
/** What the browser keeps: statements that ran, saved ones with a name, and bytes of each. */
const RAN_MAX = 50;
const SAVED_MAX = 200;
const BYTES_MAX = 16_384;

document.querySelector(".keys").hidden = false;
statement.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});

function button(content, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "insert";
  made.append(content);
  made.addEventListener("click", act);
  return made;
}

for (const name of document.querySelectorAll("[data-insert]")) {
  const place = document.createComment("");
  name.replaceWith(place);
  const insert = () => {
    statement.setRangeText(name.dataset.insert, statement.selectionStart, statement.selectionEnd, "end");
    statement.focus();
  };
  place.replaceWith(button(name, insert));
}

// The page stands until the answer is there, so it can take the question back: the server ends a
// statement whose reader has gone.
function runs(on, text) {
  stop.hidden = !on;
  said.textContent = text;
}
stop.addEventListener("click", () => {
  window.stop();
  runs(false, said.dataset.stopped);
  statement.focus();
});
addEventListener("pageshow", (event) => event.persisted && runs(false, ""));

function read(key) {
  try {
    const list = JSON.parse(localStorage.getItem(key));
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

function write(key, list) {
  try {
    localStorage.setItem(key, JSON.stringify(list));
  } catch {
    // No room, or not allowed: what was kept before stays.
  }
  show();
}

function put(text) {
  statement.value = text;
  statement.focus();
}

/** @param {[string, string][]} list names and statements */
function fill(id, list, key) {
  const rows = list.map(([name, text], index) => {
    const row = document.createElement("li");
    const label = document.createElement("bdi");
    label.textContent = name;
    const remove = button("×", () => write(key, read(key).filter((_, at) => at !== index)));
    remove.setAttribute("aria-label", `${shelf.dataset.remove} ${name}`);
    remove.classList.add("remove");
    row.append(button(label, () => put(text)), remove);
    return row;
  });
  document.getElementById(id).replaceChildren(...rows);
}

function show() {
  fill("saved", read("saved"), "saved");
  fill("history", read("ran").map((text) => [text.replace(/\s+/g, " ").slice(0, 120), text]), "ran");
}

function save(pairs) {
  const names = new Set(pairs.map(([name]) => name));
  const kept = read("saved").filter(([name]) => !names.has(name));
  const fits = ([name, text]) => name && text && text.length <= BYTES_MAX;
  write("saved", [...pairs.filter(fits), ...kept].slice(0, SAVED_MAX));
}

form.addEventListener("submit", () => {
  runs(true, said.dataset.runs);
  const text = statement.value.trim();
  if (!text || text.length > BYTES_MAX) return;
  write("ran", [text, ...read("ran").filter((one) => one !== text)].slice(0, RAN_MAX));
});

document.getElementById("keep").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = document.getElementById("name");
  save([[name.value.trim(), statement.value.trim()]]);
  name.value = "";
});
document.getElementById("forget").addEventListener("click", () => write("ran", []));

// A file of SQL that every other program reads too: a comment with the name above each statement.
const HEAD = "-- name: ";
const saved = document.getElementById("export");
saved.addEventListener("click", () => {
  const text = read("saved").map(([name, text]) => `${HEAD}${name}\n${text}\n`).join("\n");
  saved.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
});
document.getElementById("import").addEventListener("change", async (event) => {
  const parts = (await event.target.files[0].text()).split(/^-- name: /m).slice(1);
  save(parts.map((part) => {
    const [name, ...lines] = part.split("\n");
    return [name.trim().slice(0, 80), lines.join("\n").trim()];
  }));
  event.target.value = "";
});
shelf.hidden = false;
show();
