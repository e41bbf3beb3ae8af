// Comfort only: every page works without it.
document.documentElement.classList.add("scripted");
const tellCopied = (button) => {
  const told = document.getElementById("copied");
  told.textContent = told.dataset.said;
  button.classList.add("copied");
  setTimeout(() => {
    told.textContent = "";
    button.classList.remove("copied");
  }, 3000);
};
document.addEventListener("click", (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) navigator.clipboard.writeText(document.querySelector(copy.dataset.copy).textContent).then(() => tellCopied(copy));
  const opener = event.target.closest("[data-open]");
  if (opener) document.querySelector(opener.dataset.open).showModal();
  if (event.target.closest("[data-theme-toggle]")) {
    const root = document.documentElement;
    root.dataset.bsTheme = root.dataset.bsTheme === "dark" ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.bsTheme);
  }
  for (const menu of document.querySelectorAll(".menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector(".menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("focusout", (event) => {
  const menu = event.target.closest(".menu[open]");
  if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
});

// Shortcuts: single keys, so never in a field, never with a modifier, and they can be switched off.
const OFF = "shortcuts-off";
const SEQUENCES = { h: "/", s: "/submissions/", a: "/approvals/" };
let begun = 0;
const go = (address) => { window.location.href = address; };
const step = (by) => {
  const rows = [...document.querySelectorAll("[data-rows] tr a[data-row]")];
  const at = rows.indexOf(document.activeElement.closest("tr")?.querySelector("a[data-row]"));
  rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by))]?.focus();
};
const SINGLE = {
  "?": () => document.querySelector("#shortcuts")?.showModal(),
  "/": () => document.querySelector("main input:not([type=hidden]):not([type=checkbox]), main select, main textarea")?.focus(),
  n: () => document.querySelector("#new-task")?.click(),
  g: () => { begun = Date.now(); },
  j: () => step(1),
  k: () => step(-1),
};
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, textarea, select, [contenteditable]") || document.querySelector("dialog[open]");
  if (isTyping || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || localStorage.getItem(OFF)) return;
  const address = Date.now() - begun < 1500 && SEQUENCES[event.key];
  begun = 0;
  if (address) go(address);
  else if (Object.hasOwn(SINGLE, event.key)) {
    event.preventDefault();
    SINGLE[event.key]();
  }
});
for (const box of document.querySelectorAll("[data-shortcuts-off]")) {
  box.checked = Boolean(localStorage.getItem(OFF));
  box.addEventListener("change", () => (box.checked ? localStorage.setItem(OFF, "1") : localStorage.removeItem(OFF)));
}

// What refreshes itself can be paused, and rests while nobody looks.
let isPaused = false;
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-live-pause]");
  if (!button) return;
  isPaused = !isPaused;
  button.setAttribute("aria-pressed", String(isPaused));
});
document.addEventListener("htmx:beforeRequest", (event) => {
  const repeats = (event.target.getAttribute("hx-trigger") || "").startsWith("every");
  if (repeats && (isPaused || document.hidden)) event.preventDefault();
});

// The button of a form with a phrase stays off until the phrase stands there; the server checks it too.
const words = (text) => text.trim().split(/\s+/).join(" ");
const matchPhrase = (box) => {
  for (const button of box.form.querySelectorAll("button:not([formnovalidate])")) {
    button.disabled = words(box.value) !== words(box.dataset.phrase);
  }
};
const watchPhrases = () => document.querySelectorAll("[data-phrase]").forEach(matchPhrase);
watchPhrases();
document.addEventListener("input", (event) => event.target.matches("[data-phrase]") && matchPhrase(event.target));
document.addEventListener("htmx:afterSwap", watchPhrases);
// A draft of the compose form that was sent is done with once what it made is there.
const made = location.pathname.match(/^\/(submissions|batches)\/[0-9a-f-]{36}\/$/);
for (const name of made ? Object.keys(localStorage).filter((each) => each.startsWith("draft:")) : []) {
  if (JSON.parse(localStorage.getItem(name)).sent) localStorage.removeItem(name);
}
