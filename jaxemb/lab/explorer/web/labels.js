// Labels that do not overlap: of the words in sight the first ones in order of importance.

const CELL = 24; // pixels of the grid that remembers what is taken

/** A board that remembers rectangles, and takes no second one in the same place. */
function board() {
  const taken = new Map();
  const cells = function* (box) {
    for (let x = Math.floor(box[0] / CELL); x <= Math.floor(box[2] / CELL); x++) {
      for (let y = Math.floor(box[1] / CELL); y <= Math.floor(box[3] / CELL); y++)
        yield x * 4096 + y;
    }
  };
  const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
  return {
    /** The number of rectangles that a rectangle overlaps. */
    hits(box) {
      const others = new Set([...cells(box)].flatMap((cell) => taken.get(cell) ?? []));
      return [...others].filter((other) => overlap(box, other)).length;
    },
    /** Take a rectangle [left, top, right, bottom]; false if any part is taken, unless `anyway`. */
    take(box, anyway = false) {
      for (const cell of anyway ? [] : cells(box)) {
        for (const other of taken.get(cell) ?? []) if (overlap(box, other)) return false;
      }
      for (const cell of cells(box)) {
        if (!taken.has(cell)) taken.set(cell, []);
        taken.get(cell).push(box);
      }
      return true;
    },
  };
}

/**
 * Places for labels.
 *
 * order: indices, the most important first; at(i) gives the pixel of a point, null out of sight;
 * size(i) gives [width, height, gap, space] of a label: its gap from the point, the space around
 * it. `taken` are rectangles that stay free of labels, and no label leaves `within`; the first
 * `certain` are labelled even so, where they cover least. Result: [[i, x, y]], x and y of its left
 * middle.
 */
export function placed(order, at, size, most, tries, options = {}) {
  const { taken = [], within = null, certain = 0 } = options;
  const here = board();
  const outside = (box) =>
    within &&
    (box[0] < within[0] || box[1] < within[1] || box[2] > within[2] || box[3] > within[3]);
  taken.forEach((box) => here.take(box, true));
  const result = [];
  let [tried, number] = [0, -1];
  for (const i of order) {
    if (result.length >= most || tried >= tries) break;
    const point = at(i);
    number += 1;
    if (point === null) continue;
    tried += 1;
    const [width, height, gap, space = 3] = size(i);
    const [x, y] = point;
    const places = [
      [x + gap, y],
      [x - gap - width, y],
      [x - width / 2, y - gap - height / 2],
      [x - width / 2, y + gap + height / 2],
    ];
    const boxOf = ([left, middle]) => {
      const [over, under] = [middle - height / 2 - space / 3, middle + height / 2 + space / 3];
      return [left - space, over, left + width + space, under];
    };
    let chosen = places.findIndex((place) => {
      const box = boxOf(place);
      return !outside(box) && here.take(box);
    });
    if (chosen < 0 && number < certain) {
      const covers = places.map(boxOf).map((box) => here.hits(box) + (outside(box) ? 1000 : 0));
      chosen = covers.indexOf(Math.min(...covers));
      here.take(boxOf(places[chosen]), true);
    }
    if (chosen >= 0) result.push([i, ...places[chosen]]);
  }
  return result;
}
