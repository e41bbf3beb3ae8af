// Runs before the first paint, so that a dark page never flashes light.
(() => {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  // Of somebody who is signed in the page says what they chose; another choice ends what this browser was switched to.
  const { theme } = root.dataset;
  if (theme !== undefined && theme !== localStorage.getItem("chosen")) {
    localStorage.setItem("chosen", theme);
    localStorage.removeItem("theme");
  }
  const apply = () => {
    const chosen = localStorage.getItem("theme") || localStorage.getItem("chosen");
    root.dataset.bsTheme = chosen || (dark.matches ? "dark" : "light");
  };
  apply();
  dark.addEventListener("change", apply);
})();
