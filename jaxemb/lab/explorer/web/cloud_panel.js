// The third rung: the occurrences of a word as a cloud, layer by layer, each with its sentence.
import { h, fill, shown } from "./dom.js";
import { scaleInto } from "./strokes.js";

export const [WIDE, HIGH] = [400, 320]; // of the picture of a rung

/** Pixels of points, with equal scales, inside a margin. */
export function fitted(points, margin) {
  const range = (k) => [Math.min(...points.map((p) => p[k])), Math.max(...points.map((p) => p[k]))];
  const [[left, right], [low, high]] = [range(0), range(1)];
  const scale = scaleInto(WIDE - 2 * margin, HIGH - 2 * margin, right - left, high - low);
  return (p) => [
    WIDE / 2 + scale * (p[0] - (left + right) / 2),
    HIGH / 2 - scale * (p[1] - (low + high) / 2),
  ];
}

const GROUPS = ["var(--accent)", "var(--second)"];

/** Draw the cloud of a word, or say why there is none. */
export function drawCloud(session, cloud, box, below, word) {
  fill(below);
  if (!cloud) {
    const clouds = session.values.clouds;
    const why = clouds
      ? `This page holds clouds of ${shown(clouds.words.length)} words: the buttons above. For this one: `
      : "A language model gives a word another vector in every sentence. Name one: ";
    const option = h("code", {}, clouds ? `--clouds ${word}` : "--contextual runs/elmo");
    fill(box, h("h2", {}, "Contextual: a cloud"), h("p", { class: "hint" }, why, option));
    return;
  }
  const last = cloud.layers.length - 1;
  // one scale for all layers, so that the cloud grows and moves
  const pixel = fitted(
    cloud.layers.flatMap((layer) => layer.points),
    24,
  );
  const sentence = h("p", { class: "sentence", "aria-live": "polite" });
  const dots = cloud.group.map((k, i) =>
    h("circle", {
      class: "dot",
      r: 5.5,
      fill: GROUPS[k],
      "fill-opacity": 0.7,
      onpointerenter: () => show(i),
      onclick: () => show(i),
    }),
  );
  const rows = cloud.contexts.map(([left, right], i) =>
    h(
      "button",
      { type: "button", onclick: () => show(i) },
      h("span", {}, h("bdi", {}, left)),
      h("b", { style: `color: ${GROUPS[cloud.group[i]]}` }, word),
      h("span", {}, h("bdi", {}, right)),
    ),
  );
  const slider = h("input", {
    type: "range",
    id: "layer",
    min: 0,
    max: last,
    value: session.store.get().layer ?? last,
    style: "width: 100%",
    oninput: () => move(Number(slider.value)),
  });
  const facts = h("p", {});
  function move(layer) {
    const { points, explained, alike } = cloud.layers[layer];
    dots.forEach((dot, i) => {
      dot.style.transform = `translate(${pixel(points[i])
        .map((v) => `${v.toFixed(1)}px`)
        .join(", ")})`;
    });
    const text = `Layer ${layer} of ${last}: self-similarity ${shown(alike, 2)}, two main axes hold ${(100 * explained).toFixed(0)} % of the variance.`;
    slider.setAttribute("aria-valuetext", text);
    facts.textContent =
      text +
      (layer === 0 && alike > 0.999 ? " All occurrences are one point: the static vector." : "");
  }
  function show(i) {
    const [left, right] = cloud.contexts[i];
    sentence.style.setProperty("--mine", GROUPS[cloud.group[i]]);
    fill(sentence, `${left} `, h("b", {}, word), ` ${right}`);
    dots.forEach((dot, k) => {
      dot.setAttribute("r", k === i ? 10 : 5.5);
      dot.setAttribute("fill-opacity", k === i ? 1 : 0.7);
    });
    rows.forEach((button, k) =>
      k === i
        ? button.setAttribute("aria-current", "true")
        : button.removeAttribute("aria-current"),
    );
  }
  fill(
    box,
    h("h2", {}, "Contextual: a cloud"),
    h(
      "p",
      { class: "size" },
      `${shown(cloud.group.length)} of ${shown(cloud.sentences)} sentences with “${word}”, by ${session.values.clouds.name}`,
    ),
    h(
      "svg",
      {
        viewBox: `0 0 ${WIDE} ${HIGH}`,
        role: "img",
        "aria-label": `the occurrences of ${word} as points`,
      },
      dots,
    ),
    h("label", { class: "row" }, "layer", slider),
    facts,
    h(
      "ul",
      { class: "legend" },
      cloud.names.map((name, k) =>
        h("li", {}, h("i", { style: `background: ${GROUPS[k]}` }), `beside ${name}`),
      ),
    ),
  );
  const order = cloud.group
    .map((k, i) => [k, i])
    .sort((a, b) => a[0] - b[0])
    .map(([, i]) => i);
  fill(
    below,
    sentence,
    h(
      "ul",
      { class: "concordance", "aria-label": `sentences with ${word}` },
      order.map((i) => h("li", {}, rows[i])),
    ),
  );
  move(Number(slider.value));
  show(order[0]);
}
