// The colours of the points of the map.
import { colour } from "./dom.js";
import { between } from "./charts.js";
import { cosines } from "./measures.js";
import { row } from "./numbers.js";

export const COLOURS = {
  cluster: "cluster",
  frequency: "frequency",
  length: "length",
  cosine: "cosine to the word",
};
const SHADES = 24;

/** Colour the points of the map. */
export function paint(session) {
  const { map, words, values, now, store: state } = session;
  const { colours, chosen } = state.get();
  if (colours === "cluster") {
    map.colours(
      Uint8Array.from(values.cluster),
      Array.from({ length: 10 }, (_, k) => colour(`c${k}`)),
    );
    return;
  }
  const by = {
    frequency: () => Array.from(words.keys(), (i) => -Math.log(i + 1)),
    length: () => now.lengths,
    cosine: () => cosines(now, row(now.of, chosen[0] ?? 0)),
  }[colours]();
  let [low, high] = [Infinity, -Infinity];
  by.forEach((value, i) => {
    if (colours === "cosine" && i === (chosen[0] ?? 0)) return;
    low = Math.min(low, value);
    high = Math.max(high, value);
  });
  const shades = Array.from({ length: SHADES }, (_, k) =>
    between(colour("cold"), colour("accent"), k / (SHADES - 1)),
  );
  map.colours(
    Uint8Array.from(by, (value) =>
      Math.max(0, Math.min(SHADES - 1, Math.floor((SHADES * (value - low)) / (high - low || 1)))),
    ),
    shades,
    true,
  );
}
