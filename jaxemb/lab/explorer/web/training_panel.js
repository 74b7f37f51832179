// The training: losses, and the spectrum over time.
import { h, fill, byId, shown, colour } from "./dom.js";
import { between, chart } from "./charts.js";
import { effectiveRank } from "./measures.js";
import { unfolded } from "./pieces.js";

/** Draw the panel. */
export function drawTraining(session) {
  const { values } = session;
  const runs = [
    [values.name, values.training],
    [values.clouds?.name, values.clouds?.training],
  ].filter(([, one]) => one);
  if (!runs.length) {
    fill(
      byId("panel-training"),
      h("h2", {}, "Training"),
      h(
        "p",
        { class: "hint" },
        "This table came without measurements of its training: a file of vectors has none, the folder of a run has them.",
      ),
    );
    return;
  }
  const drawn = [];
  fill(
    byId("panel-training"),
    ...runs.flatMap(([name, one]) => {
      const loss = h("div", {});
      const parts = [h("h2", {}, `Training of ${name}`)];
      if (one.curves.length) {
        drawn.push(() => drawLoss(loss, one));
        parts.push(h("div", { class: "rung" }, h("h3", {}, "Loss, nats"), loss, lossTable(one)));
      }
      if (one.spectra.length > 1) parts.push(overTime(one, drawn));
      return h(
        "div",
        { class: "row", style: "display: block" },
        parts[0],
        h("div", { class: "charts" }, ...parts.slice(1)),
      );
    }),
  );
  drawn.forEach((draw) => draw());
}

const NAMES = { loss: "training", held_out: "held out", dev: "development, whole softmax" };

function called({ name, averaged }) {
  const [stem, way] = name.split(" ");
  const sampled = stem === "loss" && way ? " (may be sampled)" : "";
  const means = averaged ? ", means of neighbours" : "";
  return (NAMES[stem] ?? stem) + sampled + (way ? `, direction ${way}` : "") + means;
}

function drawLoss(box, { curves, epochs, unit }) {
  // each series has its own x: one common x, with gaps
  const x = [...new Set(curves.flatMap((one) => one.x))].sort((a, b) => a - b);
  const place = new Map(x.map((value, i) => [value, i]));
  const hues = ["accent", "second", "c4", "c6", "c1"];
  const lines = curves.map((one, k) => {
    const y = new Array(x.length).fill(null);
    one.x.forEach((value, i) => (y[place.get(value)] = one.y[i]));
    const few = one.x.length < 40;
    return {
      name: called(one),
      y,
      colour: colour(hues[k % hues.length]),
      points: few,
      width: few ? 2.4 : 1.5,
    };
  });
  chart(
    box,
    x.map((value) => value / 1e6),
    {
      label: `loss: ${curves.map((one) => `${called(one)} from ${shown(one.y[0])} to ${shown(one.y.at(-1))}`).join("; ")}`,
      xName: `${unit}, millions${epochs.length ? " (dotted: an epoch ends)" : ""}`,
      yName: "",
      height: 300,
      lines,
      marks: epochs.map((value) => value / 1e6),
    },
  );
}

function lossTable({ curves }) {
  return unfolded(
    "First and last",
    ["", "first", "last"],
    curves.map((one) => [called(one), shown(one.y[0]), shown(one.y.at(-1))]),
  );
}

function overTime({ spectra }, drawn) {
  const box = h("div", {});
  const said = h("p", { class: "hint", "aria-live": "polite" });
  const time = h("input", {
    type: "range",
    min: 0,
    max: spectra.length - 1,
    value: spectra.length - 1,
    style: "width: 100%",
    "aria-label": "time",
    oninput: () => draw(),
  });
  function draw() {
    const at = Number(time.value);
    const x = spectra[0].values.map((_, i) => i + 1);
    const [cold, warm] = [colour("cold"), colour("accent")];
    const seen = spectra.map((_, i) => i).filter((i) => i !== at);
    const positive = (list) => list.map((value) => (value > 0 ? value : null));
    const lines = [...seen, at].map((i) => ({
      name: "",
      y: positive(spectra[i].values),
      colour: i === at ? warm : between(cold, warm, 0.35 * (i / spectra.length)),
      width: i === at ? 3 : 1,
    }));
    chart(box, x, {
      label: "singular values over time",
      xName: "index",
      whole: true,
      yName: "",
      height: 300,
      log: true,
      quiet: true,
      lines,
    });
    const one = spectra[at];
    const text = `after ${shown(one.words / 1e6, 1)} million words: s₁ = ${shown(one.values[0], 1)}, effective rank ${shown(effectiveRank(one.values), 1)} of ${one.values.length}`;
    said.textContent = text;
    time.setAttribute("aria-valuetext", text);
  }
  drawn.push(draw);
  return h("div", { class: "rung" }, h("h3", {}, "Spectrum over time"), box, time, said);
}
