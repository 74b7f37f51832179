// Charts by uPlot, in the colours of the page.
import { colour, shown } from "./dom.js";
import { rgb } from "./raster.js";

const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]; // from one tick to the next

/**
 * Draw a chart into a box, in the place of the one before.
 *
 * about: {label, xName, yName, log, height, lines: [{name, y, colour, dash, width, points}], marks,
 * whole, quiet}: `whole` is whether x has whole numbers alone, `quiet` leaves the legend out.
 * `marks` are vertical lines at places of x. Result: the uPlot object.
 */
export function chart(box, x, about) {
  const { uPlot } = globalThis.vendor;
  box.chart?.destroy();
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", about.label);
  const [ink, line] = [colour("soft"), colour("line")];
  const axis = (label, size) => ({
    label,
    stroke: ink,
    size,
    labelSize: 20,
    font: "12px system-ui, sans-serif",
    labelFont: "12px system-ui, sans-serif",
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1 },
  });
  const series = about.lines.map((one) => ({
    label: one.name,
    stroke: one.colour,
    width: one.width ?? 2,
    dash: one.dash,
    spanGaps: true,
    points: { show: Boolean(one.points), size: 6, fill: one.colour },
    value: (_, value) => shown(value),
  }));
  const upright = (plot) => {
    plot.ctx.save();
    plot.ctx.strokeStyle = ink;
    plot.ctx.setLineDash([2, 4]);
    plot.ctx.beginPath();
    for (const mark of about.marks ?? []) {
      const left = plot.valToPos(mark, "x", true);
      plot.ctx.moveTo(left, plot.bbox.top);
      plot.ctx.lineTo(left, plot.bbox.top + plot.bbox.height);
    }
    plot.ctx.stroke();
    plot.ctx.restore();
  };
  const xAxis = axis(about.xName, 36);
  if (about.whole) xAxis.incrs = WHOLE;
  const yAxis = axis(about.yName, 58);
  if (about.log) {
    yAxis.splits = (plot, _, low, high) => roundNumbers(low, high);
    yAxis.filter = (_, splits) => splits; // uPlot's own leaves powers of 10 alone
    yAxis.values = (_, splits) => splits.map((value) => shown(value, value < 1 ? 2 : 0));
  }
  box.replaceChildren();
  box.chart = new uPlot(
    {
      width: Math.max(box.clientWidth, 240),
      height: about.height ?? 240,
      legend: {
        show: about.lines.length > 1 && !about.quiet,
        live: false,
        markers: {
          fill: (_, i) => about.lines[i - 1]?.colour,
          stroke: (_, i) => about.lines[i - 1]?.colour,
        },
      },
      cursor: { points: { show: false }, drag: { x: false, y: false } },
      scales: {
        x: { time: false },
        y: about.log ? { distr: 3, range: (_, low, high) => [low * 0.85, high * 1.18] } : {},
      },
      axes: [xAxis, yAxis],
      series: [{ label: about.xName }, ...series],
      hooks: { drawAxes: [upright] },
    },
    [x, ...about.lines.map((one) => one.y)],
    box,
  );
  return box.chart;
}

/** 1, 2, 5, 10, 20 ...: those in a range, at most eight. */
function roundNumbers(low, high) {
  const all = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const digit of [1, 2, 5]) all.push(digit * 10 ** power);
  }
  const within = all.filter((value) => value >= low && value <= high);
  return within.length > 8 ? within.filter((value) => Number.isInteger(Math.log10(value))) : within;
}

/** A colour between two, as #rrggbb; share is 0 to 1. */
export function between(from, to, share) {
  const [a, b] = [rgb(from), rgb(to)];
  return `#${a
    .map((value, i) =>
      Math.round(value + (b[i] - value) * share)
        .toString(16)
        .padStart(2, "0"),
    )
    .join("")}`;
}
