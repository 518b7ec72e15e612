// Draws the charts of a page from the tables in them (testdata/gallery.html), with
// uPlot: a column for each series, <time> in the first. The table stays, for those
// who do not see the drawing. Loaded, deferred, only where there is a chart.
(() => {
  "use strict";
  const number = new Intl.NumberFormat(document.documentElement.lang || "en-GB");
  const compact = new Intl.NumberFormat(document.documentElement.lang || "en-GB", { notation: "compact" });

  // read returns {times: seconds[], series: [{name, values, color}]}.
  function read(figure) {
    const table = figure.querySelector("table");
    const rows = [...table.tBodies[0].rows];
    const times = rows.map((row) => new Date(row.querySelector("time").dateTime).getTime() / 1000);
    const names = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent.trim());
    const swatches = figure.querySelectorAll(".legend .swatch");
    const series = names.map((name, i) => ({
      name,
      color: getComputedStyle(swatches[i]).color,
      values: rows.map((row) => Number(row.cells[i + 1].dataset.value ?? row.cells[i + 1].textContent.replace(/\D/g, ""))),
    }));
    return { times, series };
  }

  // pile makes each series stand on those before it.
  function pile(series) {
    const sums = [];
    let below = series[0].values.map(() => 0);
    for (const { values } of series) {
      below = values.map((value, i) => value + below[i]);
      sums.push(below);
    }
    return sums;
  }

  function draw(figure) {
    const plot = figure.querySelector(".chart-plot");
    const shown = figure.querySelector(".chart-values");
    const axis = getComputedStyle(plot); // class chart-axis: colours and font of the axes
    const { times, series } = read(figure);
    const days = figure.dataset.chart === "days";
    const step = days ? 86400 : 3600;
    const when = new Intl.DateTimeFormat(document.documentElement.lang || "en-GB", days ? { dateStyle: "medium", timeZone: "UTC" } : { dateStyle: "medium", timeStyle: "short" });
    const total = (i) => series.map(({ name, values }) => `${name} ${number.format(values[i])}`).join(" · ");

    function show(u) {
      const i = u.cursor.idx;
      shown.textContent = i == null ? "" : `${when.format(new Date(times[i] * 1000))}: ${total(i)}`;
    }
    const line = { stroke: axis.color, font: axis.font, ticks: { show: false } };
    const options = {
      padding: [10, 18, 0, 0], // the last time stands in the middle of its word
      width: plot.clientWidth,
      height: plot.clientHeight,
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      tzDate: (seconds) => (days ? uPlot.tzDate(new Date(seconds * 1000), "UTC") : new Date(seconds * 1000)),
      scales: { x: { range: [times[0] - step / 2, times.at(-1) + step / 2] }, y: { range: (_, __, max) => [0, Math.max(4, max * 1.08)] } },
      axes: [
        { ...line, size: days ? 28 : 42, grid: { show: false }, space: 70, incrs: days ? [1, 2, 3, 7, 14, 28].map((n) => n * 86400) : undefined, values: days ? [[86400, "{D} {MMM}", null, null, null, null, null, null, 1]] : [[3600, "{HH}:{mm}", null, null, "\n{D} {MMM}", null, null, null, 1]] },
        { ...line, size: 44, grid: { stroke: axis.borderTopColor, width: 1 }, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 1e7, 1e8], values: (_, ticks) => ticks.map((tick) => compact.format(tick)) },
      ],
      // The tallest first: the others are drawn over it.
      series: [{}, ...series.toReversed().map(({ name, color }) => ({ label: name, fill: color, width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.72, 36], radius: series.length === 1 ? 0.12 : 0 }) }))],
      hooks: { setCursor: [show] },
    };
    plot.replaceChildren();
    return new uPlot(options, [times, ...pile(series).toReversed()], plot);
  }

  function keep(figure) {
    let chart = draw(figure);
    const again = () => {
      chart.destroy();
      chart = draw(figure);
    };
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
    new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const plot = figure.querySelector(".chart-plot");
    new ResizeObserver(() => {
      if (plot.clientWidth !== chart.width) chart.setSize({ width: plot.clientWidth, height: plot.clientHeight });
    }).observe(plot);
  }

  for (const figure of document.querySelectorAll("figure[data-chart]")) {
    if (figure.querySelector("tbody tr")) keep(figure);
  }
})();
