// Draws the figures of the page; the tables below hold the same, for whoever can't see or doesn't run this.
const source = document.getElementById("figures");
const figures = source ? JSON.parse(source.textContent) : {};
const COLOURS = {
  succeeded: ["#15803d", "#4ade80"], partially_failed: ["#d97706", "#fbbf24"], failed: ["#b91c1c", "#f87171"],
  refused: ["#7f1d1d", "#fda4af"], rejected: ["#6d28d9", "#c4b5fd"], expired: ["#64748b", "#cbd5e1"],
  cancelled: ["#475569", "#94a3b8"], closed: ["#334155", "#64748b"], queued: ["#1d4ed8", "#60a5fa"],
  awaiting_approval: ["#b45309", "#fcd34d"],
};
const drawn = [];
const draw = () => {
  while (drawn.length) drawn.pop().destroy();
  const isDark = document.documentElement.dataset.bsTheme === "dark";
  Chart.defaults.color = isDark ? "#d5dde6" : "#364552";
  Chart.defaults.borderColor = isDark ? "#34404d" : "#dde3ea";
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  for (const canvas of document.querySelectorAll("[data-chart]")) {
    const { labels, series } = figures[canvas.dataset.chart];
    const datasets = series.map((each) => ({
      label: each.label, data: each.values, backgroundColor: COLOURS[each.name][isDark ? 1 : 0], maxBarThickness: 48,
    }));
    drawn.push(new Chart(canvas, {
      type: "bar",
      data: { labels, datasets },
      options: {
        animation: false, responsive: true, maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        scales: { x: { stacked: true, grid: { display: false } }, y: { stacked: true, ticks: { precision: 0 }, beginAtZero: true } },
        plugins: { legend: { position: "bottom", labels: { boxWidth: 12 } } },
      },
    }));
  }
};
draw();
new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
