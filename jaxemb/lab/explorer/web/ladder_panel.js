// The ladder of a word: an axis, a point, a cloud.
import { h, fill, byId, shown } from "./dom.js";
import { symmetricEigen } from "./eigen.js";
import { best, cosines, pair } from "./measures.js";
import { row } from "./numbers.js";
import { NO_DIRECTION } from "./words_panel.js";
import { placed } from "./labels.js";
import { searchBox } from "./search.js";
import { HIGH, WIDE, drawCloud, fitted } from "./cloud_panel.js";

const OTHERS = 5;
const FREQUENT = 1000; // words among which unlike ones are looked for

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
    const { near, others } = company(session.now, i);
    const shownWords = [i, ...near, ...others];
    fill(axis, axisRung(words, shownWords));
    fill(point, pointRung(session, shownWords, near));
    drawCloud(session, clouds.get(words[i]), cloud, below, words[i]);
  };
}

/** The nearest words of a word, and unlike ones; of a row of zeros, which has none, the first words. */
function company(now, i) {
  if (!(now.lengths[i] > 0)) {
    const first = Array.from({ length: Math.min(2 * OTHERS + 1, now.of.rows) }, (_, j) => j);
    return { near: [], others: first.filter((j) => j !== i) };
  }
  const scores = cosines(now, row(now.of, i));
  const near = best(scores, OTHERS, [i, ...now.zeros]);
  const others = best(scores.subarray(0, FREQUENT), OTHERS, [i, ...near, ...now.zeros], -1);
  return { near, others };
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

/** Unit vectors of some words (of a row of zeros: 0) on their two principal axes, from their cosines (Torgerson 1952). */
function principal(now, list) {
  const n = list.length;
  const gram = new Float64Array(n * n);
  for (let a = 0; a < n; a++)
    for (let b = 0; b < n; b++) gram[a * n + b] = pair(now, list[a], list[b]).cosine ?? 0;
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

function pointRung(session, list, near) {
  const { words, now } = session;
  const names = near.map((i) => words[i]).join(", ");
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
      `${shown(words.length)} words × ${shown(now.of.dim)} dimensions, rank ${shown(now.rank)}`,
    ),
    h(
      "svg",
      {
        viewBox: `0 0 ${WIDE} ${HIGH}`,
        role: "img",
        "aria-label": names ? `${words[list[0]]} near ${names}` : `${words[list[0]]} at 0`,
      },
      places
        .map(([x, y], k) =>
          h("circle", {
            cx: x,
            cy: y,
            r: k ? 5 : 9,
            fill: k === 0 ? "var(--accent)" : k <= near.length ? "var(--second)" : "var(--soft)",
          }),
        )
        .reverse(), // the word itself is never hidden
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
      "The same point in every sentence. ",
      names
        ? ["Distance carries meaning: the nearest words are ", h("b", {}, names), "."]
        : NO_DIRECTION,
    ),
  ];
}
