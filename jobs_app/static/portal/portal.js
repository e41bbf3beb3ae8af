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
const countLines = (box) => {
  document.querySelector(box.dataset.countLines).textContent = box.value.split("\n").filter((line) => line.trim()).length;
};
for (const box of document.querySelectorAll("[data-count-lines]")) {
  countLines(box);
  box.addEventListener("input", () => countLines(box));
}
