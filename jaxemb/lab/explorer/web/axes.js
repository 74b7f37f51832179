// Which two axes the map shows, and what it says of them.
import { along } from "./transform.js";

const KINDS = {
  pca: [
    "principal axis",
    "principal axes",
    "the variance",
    "all rows are equal: they are one point",
  ],
  svd: ["singular direction", "singular directions", "‖A‖²", "every row is 0: they are one point"],
};
const PAIRS = ["pca 1 2", "pca 2 3", "pca 3 4", "pca 5 6", "svd 1 2", "svd 2 3"];

/** The maps that a page offers: {value: name}. A table of one column has the first axis alone. */
export function mapsOf({ dim, umap }) {
  const maps = PAIRS.map((value) => [value, ...value.split(" ")])
    .filter(([, , , last]) => last <= Math.max(dim, 2))
    .map(([value, kind, a, b]) => [value, `${kind.toUpperCase()} ${dim > 1 ? `${a}, ${b}` : a}`]);
  return Object.fromEntries(umap ? [...maps, ["umap", "UMAP"]] : maps);
}

/**
 * The map of a changed table along two axes: {x, y, note, origin}.
 *
 * Axes beyond the last one are replaced by the last two. Where there is one axis all points lie on a
 * line, where there is none they are one point. `origin` is whether 0 has a place in it.
 */
export function laidOut(now, axes) {
  const [kind, ...wanted] = axes.split(" ");
  const { values: sizes, basis } = kind === "pca" ? now.centred : now;
  const count = kind === "pca" ? now.axes : now.rank;
  const b = Math.min(wanted[1] - 1, count - 1);
  const a = Math.max(Math.min(wanted[0] - 1, b - 1), 0);
  const [x, y] = [a, b].map((k, i) =>
    i < count ? along(now.of, basis, k) : new Float32Array(now.of.rows),
  );
  const whole = sizes.reduce((sum, value) => sum + value ** 2, 0);
  const share = (k) => `${((100 * sizes[k] ** 2) / whole).toFixed(1)} %`;
  const [one, several, what, point] = KINDS[kind];
  const note =
    count === 0
      ? point
      : count === 1
        ? `the only ${one} holds all of ${what}: the points lie on a line`
        : `${several} ${a + 1} and ${b + 1} of ${count}: ${share(a)} and ${share(b)} of ${what}`;
  // the plane of points on a line has no second axis, on which 0 would have a place
  return { x, y, note, origin: count > 1 || kind === "svd" || now.of.dim === 1 };
}
