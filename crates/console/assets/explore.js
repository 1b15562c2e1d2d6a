// The lists of names follow what one types. Without this script the form finds them too.
const form = document.getElementById("asking");
const PAUSE_MS = 150;
let pause;
/** @type {AbortController | undefined} */
let asking;

async function find() {
  asking?.abort();
  asking = new AbortController();
  const query = new URLSearchParams(new FormData(form));
  try {
    const answer = await fetch(`/explore/choices?${query}`, { signal: asking.signal });
    if (!answer.ok) return;
    const made = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const list of made.querySelectorAll(".names")) {
      const old = document.getElementById(list.id);
      // Whoever is in a list goes on in it.
      if (!old.contains(document.activeElement)) old.replaceWith(list);
    }
  } catch {
    // The lists stay as they are; the next letter asks again.
  }
}

for (const field of document.querySelectorAll(".chooser [type=search]")) {
  field.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(find, PAUSE_MS);
  });
}
