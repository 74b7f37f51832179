// The controls that change the table: rank, mean, first directions.
import { h, fill, byId, shown, onceAFrame } from "./dom.js";

/** Build the strip; it follows the state. */
export function buildStrip(session) {
  const { store: state, values } = session;
  const change = onceAFrame((settings) => state.set(settings));
  const dim = values.dim;
  const rank = h("input", {
    type: "range",
    id: "rank",
    min: 1,
    max: dim,
    step: 1,
    value: dim,
    oninput: () => change({ rank: Number(rank.value) }),
  });
  const kept = h("output", { for: "rank" });
  const mean = h("input", {
    type: "checkbox",
    id: "mean",
    onchange: () => state.set({ center: mean.checked }),
  });
  const most = Math.min(10, dim - 1);
  const directions = h(
    "select",
    { id: "directions", onchange: () => state.set({ directions: Number(directions.value) }) },
    Array.from({ length: most + 1 }, (_, i) => h("option", { value: i }, String(i))),
  );
  const reset = h(
    "button",
    {
      type: "button",
      class: "text",
      id: "reset",
      onclick: () => state.set({ rank: dim, center: false, directions: 0 }),
    },
    "as it is",
  );
  fill(
    byId("strip"),
    h("label", { class: "rank" }, h("b", {}, "rank"), rank, kept),
    h("label", {}, mean, "remove the mean"),
    h("label", {}, "without the first", directions, "directions"),
    reset,
  );
  byId("strip").addEventListener("submit", (event) => event.preventDefault());
  const squares = values.spectrum.map((value) => value ** 2);
  const whole = squares.reduce((a, b) => a + b, 0);
  const follow = (now) => {
    rank.value = now.rank;
    mean.checked = now.center;
    directions.value = String(now.directions);
    reset.disabled = now.rank === dim && !now.center && !now.directions;
    const share = squares.slice(0, now.rank).reduce((a, b) => a + b, 0) / whole;
    const text = `${shown(now.rank)} of ${shown(dim)}: ${(100 * share).toFixed(1)} % of ‖A‖²`;
    kept.textContent = text;
    rank.setAttribute("aria-valuetext", text);
  };
  state.on(follow);
  follow(state.get());
}
