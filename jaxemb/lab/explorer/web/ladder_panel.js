// The ladder of a word: an axis, a point, a cloud.
import { h, fill, byId, shown } from "./dom.js";
import { symmetricEigen } from "./eigen.js";
import { best, cosines, nearest, pair } from "./measures.js";
import { row } from "./numbers.js";
import { placed } from "./labels.js";
import { searchBox } from "./search.js";
import { HIGH, WIDE, drawCloud, fitted } from "./cloud_panel.js";

const OTHERS = 5;

/** Build the panel once; the result draws it for the word of the state. */
export function ladderPanel(session) {
  const { words, values, store: state } = session;
  const clouds = new Map((values.clouds?.words ?? []).map((one) => [one.word, one]));
  const inClouds = [...clouds.keys()].filter((word) => session.index.has(word));
  const chosen = h("div", { class: "row" });
  const [axis, point, cloud] = ["one axis", "one point", "a cloud"].map(() =>
    h("div", { class: "rung" }),
  );
  const below = h("div", {});
  const finder = h(
    "div",
    { id: "ladder-finder", style: "position: relative; max-width: 300px" },
    searchBox(words, "ladder-search", "Another word", (i) => state.set({ rung: i })),
  );
  fill(
    byId("panel-ladder"),
    h("div", { class: "row" }, finder, chosen),
    h("div", { class: "rungs" }, axis, point, cloud),
    below,
  );
  return () => {
    const i = state.get().rung;
    fill(
      chosen,
      inClouds.map((word) =>
        h(
          "button",
          {
            type: "button",
            class: "text",
            "aria-pressed": String(words[i] === word),
            onclick: () => state.set({ rung: session.index.get(word) }),
          },
          word,
        ),
      ),
    );
    const near = nearest(session.now, i, OTHERS).cosine.map(([j]) => j);
    const unlike = best(
      cosines(session.now, row(session.now.of, i)).slice(0, 1000),
      OTHERS,
      [i, ...near],
      -1,
    );
    const shownWords = [i, ...near, ...unlike];
    fill(axis, ...axisRung(words, shownWords));
    fill(point, ...pointRung(session, shownWords));
    drawCloud(session, clouds.get(words[i]), cloud, below, words[i]);
  };
}

function axisRung(words, shownWords) {
  const step = (WIDE - 40) / shownWords.length;
  const sticks = shownWords.map((i, k) => {
    const left = 26 + step * (k + 0.5);
    const hot = k === 0;
    return h(
      "g",
      {},
      h("line", {
        x1: left,
        x2: left,
        y1: 210,
        y2: hot ? 24 : 210,
        stroke: "var(--accent)",
        "stroke-width": 4,
        "stroke-linecap": "round",
      }),
      h("circle", {
        cx: left,
        cy: hot ? 24 : 210,
        r: hot ? 8 : 4.5,
        fill: hot ? "var(--accent)" : "var(--soft)",
      }),
      h(
        "text",
        {
          transform: `translate(${left + 4} 228) rotate(-55)`,
          "text-anchor": "end",
          style: hot ? "fill: var(--accent); font-weight: 600" : "",
        },
        short(words[i]),
      ),
    );
  });
  return [
    h("h2", {}, "One-hot: one axis"),
    h(
      "p",
      { class: "size" },
      `${shown(words.length)} words × ${shown(words.length)} dimensions, rank ${shown(words.length)}`,
    ),
    h(
      "svg",
      {
        viewBox: `0 0 ${WIDE} ${HIGH}`,
        role: "img",
        "aria-label": `${words[shownWords[0]]} has 1 on its own axis and 0 on all others`,
      },
      h("line", { x1: 20, x2: WIDE, y1: 210, y2: 210, stroke: "var(--line)" }),
      h("text", { x: 0, y: 28, class: "soft" }, "1"),
      h("text", { x: 0, y: 214, class: "soft" }, "0"),
      sticks,
    ),
    h(
      "p",
      {},
      `These axes and ${shown(words.length - shownWords.length)} more. Every two words are orthogonal, √2 apart: no word is nearer than any other.`,
    ),
  ];
}

/** A long word, cut to fit under its axis. */
function short(word) {
  const letters = [...word];
  return letters.length > 13 ? `${letters.slice(0, 12).join("")}…` : word;
}

/** Unit vectors of some words on their two principal axes, from their cosines (Torgerson 1952). */
function principal(now, list) {
  const n = list.length;
  const gram = new Float64Array(n * n);
  for (let a = 0; a < n; a++)
    for (let b = 0; b < n; b++) gram[a * n + b] = a === b ? 1 : pair(now, list[a], list[b]).cosine;
  const means = Array.from(
    { length: n },
    (_, a) => gram.slice(a * n, a * n + n).reduce((x, y) => x + y, 0) / n,
  );
  const mean = means.reduce((x, y) => x + y, 0) / n;
  for (let a = 0; a < n; a++)
    for (let b = 0; b < n; b++) gram[a * n + b] += mean - means[a] - means[b];
  const { values, vectors } = symmetricEigen(gram, n);
  return list.map((_, a) =>
    [0, 1].map((k) => vectors[a * n + k] * Math.sqrt(Math.max(values[k], 0))),
  );
}

function pointRung(session, list) {
  const { words, now, values } = session;
  const points = principal(now, list);
  const pixel = fitted(points, 46);
  const places = points.map(pixel);
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = "14px Georgia, serif";
  const labels = placed(
    list.keys(),
    (k) => places[k],
    (k) => [pen.measureText(words[list[k]]).width * 1.08, 17, k ? 8 : 12],
    20,
    20,
    {
      taken: places.map(([x, y], k) => [
        x - (k ? 4 : 8),
        y - (k ? 4 : 8),
        x + (k ? 4 : 8),
        y + (k ? 4 : 8),
      ]),
      within: [-12, 0, WIDE + 12, HIGH],
    },
  );
  return [
    h("h2", {}, "Static: one point"),
    h(
      "p",
      { class: "size" },
      `${shown(words.length)} words × ${shown(now.of.dim)} dimensions, rank ${shown(Math.min(values.rank, now.of.dim - now.removed))}`,
    ),
    h(
      "svg",
      {
        viewBox: `0 0 ${WIDE} ${HIGH}`,
        role: "img",
        "aria-label": `${words[list[0]]} near ${list
          .slice(1, 6)
          .map((i) => words[i])
          .join(", ")}`,
      },
      places.map(([x, y], k) =>
        h("circle", {
          cx: x,
          cy: y,
          r: k ? 5 : 9,
          fill: k === 0 ? "var(--accent)" : k <= OTHERS ? "var(--second)" : "var(--soft)",
        }),
      ),
      labels.map(([k, x, y]) =>
        h(
          "text",
          { x, y: y + 5, style: k ? "" : "fill: var(--accent); font-weight: 600" },
          words[list[k]],
        ),
      ),
    ),
    h(
      "p",
      {},
      "The same point in every sentence. Distance carries meaning: the nearest words are ",
      h(
        "b",
        {},
        list
          .slice(1, 6)
          .map((i) => words[i])
          .join(", "),
      ),
      ".",
    ),
  ];
}
