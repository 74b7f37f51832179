// The changed table as a matrix: spectrum, rank, isotropy, and the dependence of n + 1 rows.
import { h, fill, byId, shown, colour } from "./dom.js";
import { chart } from "./charts.js";
import { effectiveRank, meanCosine, participationRatio, stableRank } from "./measures.js";
import { combination, dependence } from "./dependence.js";
import { chip, facts, unfolded } from "./pieces.js";
import { searchBox } from "./search.js";

const SHOWN_TERMS = 12;

/** The measures of a changed table. */
export function measuresOf(now) {
  const ratio = participationRatio(now.centred.values);
  const most = Math.min(now.of.dim, now.of.rows);
  return {
    rank: now.rank,
    effective: effectiveRank(now.values),
    participation: participationRatio(now.values),
    stable: stableRank(now.values),
    condition: now.rank === most ? now.values[0] / now.values[most - 1] : Infinity,
    cosine: meanCosine(now),
    isoscore: now.axes > 0 ? Math.max(0, (ratio - 1) / Math.max(now.of.dim - 1, 1)) : 0,
  };
}

/** Build the panel once; the result draws it. */
export function algebraPanel(session) {
  const { values } = session;
  const box = h("div", {});
  const verdict = h("p", { class: "verdict" });
  const note = h("p", { class: "hint" });
  const numbers = h("div", { class: "isotropy" });
  const [listed, dependent] = [h("div", {}), h("div", {})];
  const f = values.fidelity;
  const lost = values.full - values.dim;
  const far =
    `This page holds U S in 12 bits a number${lost ? `, without the ${lost} smallest directions` : ""}: ` +
    `${shown(100 * f.error, 3)} % of ‖A‖ away from the full table (‖difference‖ = ${shown(f.moved)}, which bounds the error of each singular value). ` +
    `99 % of cosines move by less than ${shown(f.usual, 4)}, all by at most ${shown(f.cosine, 4)}; ${(100 * f.kept).toFixed(1)} % of the 10 nearest words stay (100 words sampled).`;
  fill(
    byId("panel-algebra"),
    h("h2", {}, "What matrix is this?"),
    verdict,
    h("h3", {}, "Singular values"),
    box,
    note,
    listed,
    h("h3", {}, "Isotropy and rank"),
    numbers,
    h("h3", {}, "n + 1 words are dependent"),
    ...equationWords(session),
    dependent,
    h(
      "footer",
      {},
      h("p", { id: "fidelity" }, far),
      h(
        "details",
        {},
        h("summary", {}, "Licences of the libraries in this page"),
        byId("licences").content.cloneNode(true),
      ),
    ),
  );
  return () => {
    drawSpectrum(session, box, verdict, note, listed);
    drawNumbers(session, numbers);
    drawDependence(session, dependent);
  };
}

function drawSpectrum({ now, values, store: state }, box, verdict, note, listed) {
  const { rank, center, directions } = state.get();
  const plain = rank === values.dim && !center && !directions;
  const above = now.rank;
  const margin = above ? now.values[above - 1] / values.tolerance : 0;
  fill(
    verdict,
    plain
      ? `The table (${shown(values.rows)} × ${shown(values.full)}, ${values.dtype}): ${values.verdict}.`
      : (above
          ? `Changed: rank ${shown(above)}; s_${above} is ${shown(margin, 1)} times the tolerance.`
          : "Changed: rank 0; every row is 0.") + ` The table itself: ${values.verdict}.`,
  );
  const x = values.spectrum.map((_, i) => i + 1);
  const kept = x.map((i) => (i <= above ? now.values[i - 1] || null : null));
  const lines = [
    { name: "now", y: kept, colour: colour("accent"), width: 2.5, points: above < 3 },
    {
      name: "as it is",
      y: values.spectrum.map((value) => (value > 0 ? value : null)),
      colour: colour("soft"),
      width: 1.2,
      dash: [4, 3],
      points: x.length < 3,
    },
  ];
  const low = Math.max(above ? now.values[above - 1] : 0, values.tolerance);
  if (values.tolerance > low / 100) {
    lines.push({
      name: "tolerance",
      y: x.map(() => values.tolerance),
      colour: colour("second"),
      width: 1.2,
      dash: [2, 2],
    });
  }
  chart(box, x, {
    label: `singular values, from ${shown(now.values[0])} to ${shown(low)}`,
    xName: "index",
    whole: true,
    yName: "",
    log: true,
    lines,
  });
  fill(
    note,
    `Tolerance: ${shown(values.tolerance)}; a value below it could be rounding of the entries (Weyl).` +
      (values.tolerance > low / 100
        ? ""
        : ` It lies ${shown(Math.log10(low / values.tolerance), 1)} decades below the smallest value.`),
  );
  fill(
    listed,
    unfolded(
      "The values",
      ["index", "now", "as it is"],
      x.map((i) => [String(i), shown(kept[i - 1] ?? 0), shown(values.spectrum[i - 1])]),
    ),
  );
}

function drawNumbers(session, box) {
  const [was, is] = [session.asItIs(), session.measured()];
  const line = (name, key, digits) => [name, shown(was[key], digits), shown(is[key], digits)];
  const lines = [
    line("rank", "rank"),
    line("effective rank", "effective", 1),
    line("participation ratio", "participation", 1),
    line("stable rank", "stable", 2),
    line("condition", "condition", 1),
    line("mean cosine", "cosine", 3),
    line("IsoScore", "isoscore", 3),
  ];
  const table = facts(["", "as it is", "now"], lines);
  table.querySelectorAll("tbody tr").forEach((tr) => {
    const [a, b] = tr.querySelectorAll("td");
    if (a.textContent !== b.textContent) b.className = "moved";
  });
  fill(box, table);
}

function drawDependence(session, box) {
  const { now, words } = session;
  const n = now.of.dim;
  const chosen = session.dependentWords(n + 1);
  if (chosen.length < n + 1) {
    fill(
      box,
      h(
        "p",
        { class: "hint" },
        `The table has ${words.length} rows of ${n} numbers: too few for ${n + 1} words. Lower the rank.`,
      ),
    );
    return;
  }
  const { coefficients, residual } = dependence(now.of, chosen);
  const largest = coefficients.reduce(
    (most, value, i) => (Math.abs(value) > Math.abs(coefficients[most]) ? i : most),
    0,
  );
  const place = Math.abs(coefficients[0]) > 1e-6 ? 0 : largest; // a coefficient of 0: it depends on none
  const terms = combination(coefficients, place);
  const rest = terms.length - SHOWN_TERMS;
  fill(
    box,
    h(
      "p",
      { class: "hint" },
      `Any ${shown(n + 1)} rows of ${shown(n)} numbers have a combination that is 0: one row is a sum of the others.` +
        (n > SHOWN_TERMS ? " At rank 3 the equation has four words." : ""),
    ),
    h("h2", {}, `${words[chosen[place]]} =`),
    h("div", { class: "equation" }, bars(words, chosen, terms.slice(0, SHOWN_TERMS))),
    rest > 0
      ? unfolded(
          `and ${shown(rest)} more`,
          ["word", "factor"],
          terms.slice(SHOWN_TERMS).map(([i, v]) => [words[chosen[i]], shown(v, 4)]),
        )
      : null,
    facts(
      ["", "this table", "one-hot"],
      [
        ["dimensions", shown(n), shown(words.length)],
        ["rank of these words", `${shown(n)} at most`, shown(n + 1)],
        ["‖Σ cᵢ aᵢ‖ / s₁, ‖c‖ = 1", shown(residual), "1.000"],
      ],
    ),
    h(
      "p",
      { class: "hint" },
      "One-hot rows are axes: no combination of them is 0, every two are orthogonal and √2 apart, and the rank is the number of words.",
    ),
  );
}

function bars(words, chosen, terms) {
  const largest = Math.abs(terms[0]?.[1] ?? 1);
  return terms.flatMap(([i, factor]) => [
    h("span", {}, words[chosen[i]]),
    h(
      "span",
      { class: "bar" },
      h("i", {
        class: factor < 0 ? "minus" : "",
        style: `width: ${((100 * Math.abs(factor)) / largest).toFixed(1)}%`,
      }),
    ),
    h("span", { class: "number" }, `${factor < 0 ? "−" : "+"} ${shown(Math.abs(factor))}`),
  ]);
}

/** The words of the equation that are chosen; frequent ones fill it up. */
function equationWords(session) {
  const { words, store: state } = session;
  const chips = h("div", { class: "chips" });
  const finder = h(
    "div",
    { class: "finder" },
    searchBox(words, "equation-search", "A word for the equation", (i) => {
      const { equation } = state.get();
      if (!equation.includes(i)) state.set({ equation: [...equation, i] });
    }),
  );
  const follow = ({ equation }) =>
    fill(
      chips,
      equation.map((i) =>
        chip(words[i], " from the equation", () =>
          state.set({ equation: equation.filter((j) => j !== i) }),
        ),
      ),
    );
  state.on(follow);
  follow(state.get());
  return [finder, chips];
}
