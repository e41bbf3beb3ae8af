// Comfort only: every page works without it.
document.addEventListener("click", (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) navigator.clipboard.writeText(document.querySelector(copy.dataset.copy).textContent);
  if (event.target.closest("[data-theme-toggle]")) {
    const root = document.documentElement;
    root.dataset.bsTheme = root.dataset.bsTheme === "dark" ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.bsTheme);
  }
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
