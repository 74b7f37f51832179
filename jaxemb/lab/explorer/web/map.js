// The map: all words as points on a canvas, without WebGL. Pan and zoom are d3-zoom's.
import { colour, onceAFrame } from "./dom.js";
import { placed } from "./labels.js";
import { drawLine, ends, ordered, scaleInto } from "./strokes.js";
import { raster, rgb } from "./raster.js";

const SIZES = [3.4, 2.3, 1.5]; // radius of a point [pixels], frequent words first
const LABELS = 110;
const FUNCTION_WORDS = 100;
const MOVE = 550; // milliseconds from one map to the next

/** A view of the map on a canvas: see the functions that it returns. */
export function mapView(canvas, words, { pick, hover, covered }) {
  const { zoom, zoomIdentity, select, quadtree } = globalThis.vendor;
  const pen = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const widths = new Map();
  const all = Array.from(words.keys());
  // the most frequent words say least: their labels come last
  const wordy = words.length > 10 * FUNCTION_WORDS ? FUNCTION_WORDS : 0;
  const order = [...all.slice(wordy), ...all.slice(0, wordy)];
  const places = new Int32Array(words.length); // of a word in `order`
  order.forEach((i, at) => (places[i] = at));
  let [x, y, fromX, fromY] = [null, null, null, null];
  let [moved, started] = [1, 0];
  let fit = { scale: 1, x: 0, y: 0 };
  let [tree, hidden] = [null, []]; // rectangles that other elements cover
  let marks = { main: [], near: [], lines: [], weak: false };
  let paint = { of: new Uint8Array(words.length), colours: [[128, 128, 128]] };
  let previous = [];
  let [width, height, density] = [1, 1, 1];
  let view = zoomIdentity;
  let zero = true; // whether the map has an origin
  let picture = null;
  const times = []; // milliseconds of the last frames

  const behaviour = zoom()
    .scaleExtent([0.4, 600])
    .on("zoom", (event) => {
      view = event.transform;
      draw();
    });
  const surface = select(canvas).call(behaviour).on("dblclick.zoom", null);

  /** Pixel of a point, by its index. */
  const px = (i) => view.applyX(fit.x + fit.scale * across(i));
  const py = (i) => view.applyY(fit.y - fit.scale * up(i));
  const across = (i) => (moved < 1 ? fromX[i] + (x[i] - fromX[i]) * moved : x[i]);
  const up = (i) => (moved < 1 ? fromY[i] + (y[i] - fromY[i]) * moved : y[i]);

  function resize() {
    const box = canvas.getBoundingClientRect();
    density = Math.min(window.devicePixelRatio || 1, 2);
    [width, height] = [Math.max(box.width, 1), Math.max(box.height, 1)];
    [canvas.width, canvas.height] = [Math.round(width * density), Math.round(height * density)];
    picture = raster(pen, canvas.width, canvas.height);
    if (x) place();
    draw();
  }

  /** Fit the points into the canvas; far ones may lie outside. */
  function place() {
    const [left, right] = ends(x);
    const [low, high] = ends(y);
    const margin = Math.min(width, height) * 0.06 + 6;
    const scale = scaleInto(width - 2 * margin, height - 2 * margin, right - left, high - low);
    fit = {
      scale,
      x: width / 2 - (scale * (left + right)) / 2,
      y: height / 2 + (scale * (low + high)) / 2,
    };
    hidden = covered();
    tree = quadtree()
      .x((i) => fit.x + fit.scale * x[i])
      .y((i) => fit.y - fit.scale * y[i])
      .addAll(all);
  }

  /** Show other coordinates; the points move there, unless motion is unwanted. */
  function show(newX, newY, animate = true, origin = true) {
    zero = origin;
    if (x && animate && !still.matches) {
      const before = fit;
      [fromX, fromY] = [Float32Array.from(all, across), Float32Array.from(all, up)];
      [x, y] = [newX, newY];
      place();
      // where the old points were on the screen, in the new coordinates
      for (let i = 0; i < fromX.length; i++) {
        fromX[i] = (before.x + before.scale * fromX[i] - fit.x) / fit.scale;
        fromY[i] = (fit.y - before.y + before.scale * fromY[i]) / fit.scale;
      }
      [moved, started] = [0, performance.now()];
    } else {
      [x, y, moved] = [newX, newY, 1];
      place();
    }
    draw();
  }

  const draw = onceAFrame(() => {
    if (!x || !picture) return;
    const begin = performance.now();
    if (moved < 1) {
      const share = Math.min((begin - started) / MOVE, 1);
      moved = share < 1 ? 1 - (1 - share) ** 3 : 1;
    }
    drawPoints();
    pen.setTransform(density, 0, 0, density, 0, 0);
    drawOrigin();
    drawMarks();
    drawLabels();
    times.push(performance.now() - begin);
    if (times.length > 120) times.shift();
    if (moved < 1) draw();
  });

  function drawOrigin() {
    if (!zero) return;
    const [ox, oy] = [view.applyX(fit.x), view.applyY(fit.y)];
    pen.strokeStyle = colour("line");
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(ox, 0);
    pen.lineTo(ox, height);
    pen.moveTo(0, oy);
    pen.lineTo(width, oy);
    pen.stroke();
    pen.fillStyle = colour("soft");
    pen.font = "11px system-ui, sans-serif";
    if (ox > 0 && ox < width - 14 && oy > 14 && oy < height) pen.fillText("0", ox + 4, oy - 4);
  }

  function drawPoints() {
    const grow = Math.min(Math.max(view.k ** 0.3, 0.8), 3) * density;
    const [frequent, middle] = [words.length * 0.015, words.length * 0.12];
    const [kx, ky] = [view.k * fit.scale * density, -view.k * fit.scale * density];
    const [bx, by] = [view.applyX(fit.x) * density, view.applyY(fit.y) * density];
    const at = (i, place) => {
      place[0] = bx + kx * across(i);
      place[1] = by + ky * up(i);
    };
    const kind = (i) => (i < frequent ? 0 : i < middle ? 1 : 2);
    picture.clear(rgb(colour("paper")));
    picture.points(
      words.length,
      at,
      kind,
      SIZES.map((size) => size * grow),
      (i) => paint.of[i],
      paint.colours,
      marks.weak && !paint.speaks ? 0.22 : 0.8,
    );
    picture.show();
  }

  function drawMarks() {
    for (const [from, to, strength, arrow] of marks.lines) {
      const a = from < 0 ? [view.applyX(fit.x), view.applyY(fit.y)] : [px(from), py(from)];
      drawLine(pen, a, [px(to), py(to)], strength, arrow);
    }
    for (const [list, radius, name] of [
      [marks.near, 3.6, "accent"],
      [marks.main, 6.5, "accent"],
    ]) {
      for (const i of list) {
        pen.beginPath();
        pen.arc(px(i), py(i), radius, 0, 7);
        pen.fillStyle = colour(name);
        pen.fill();
        pen.lineWidth = 2;
        pen.strokeStyle = colour("paper");
        pen.stroke();
      }
    }
  }
  function drawLabels() {
    const marked = [...marks.main, ...marks.near];
    const first = new Set(marked);
    const family = `"Iowan Old Style", Palatino, "Noto Serif", Georgia, serif`;
    const fontOf = (i) =>
      marks.main.includes(i)
        ? `600 19px ${family}`
        : first.has(i)
          ? `500 15px ${family}`
          : `13px ${family}`;
    const size = (i) => {
      const font = fontOf(i);
      const key = `${i} ${font.slice(0, 4)}`;
      if (!widths.has(key)) {
        pen.font = font;
        widths.set(key, pen.measureText(words[i]).width);
      }
      const main = marks.main.includes(i);
      return [widths.get(key), main ? 20 : 15, main ? 11 : 7, first.has(i) ? 3 : 9];
    };
    const at = (i) => {
      const [left, top] = [px(i), py(i)];
      return left < 0 || top < 0 || left > width || top > height ? null : [left, top];
    };
    const wanted = ordered(
      marked,
      previous.filter((i) => !first.has(i)),
      order,
    );
    const most = LABELS * Math.min(1, (width * height) / 5e5 + 0.15);
    const result = placed(wanted, at, size, marks.weak ? most / 2 : most, 5000, {
      taken: [...hidden, ...marked.map((i) => [px(i) - 5, py(i) - 5, px(i) + 5, py(i) + 5])],
      certain: marks.main.length,
      within: [2, 2, width - 2, height - 2],
    });
    previous = marks.weak ? previous : result.map(([i]) => i).sort((a, b) => places[a] - places[b]);
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    pen.lineWidth = 3.5;
    pen.strokeStyle = colour("paper");
    for (const [i, left, middle] of result) {
      pen.font = fontOf(i);
      pen.globalAlpha = marks.weak && !first.has(i) ? 0.5 : 1;
      pen.strokeText(words[i], left, middle);
      pen.fillStyle = colour(
        marks.main.includes(i) ? "accent" : pen.globalAlpha < 1 ? "soft" : "ink",
      );
      pen.fillText(words[i], left, middle);
    }
    pen.globalAlpha = 1;
  }

  function nearestAt(event, reach) {
    if (!tree) return undefined;
    const box = canvas.getBoundingClientRect();
    const [left, top] = view.invert([event.clientX - box.left, event.clientY - box.top]);
    return tree.find(left, top, reach / view.k);
  }
  canvas.addEventListener("click", (event) => {
    const i = nearestAt(event, event.pointerType === "touch" ? 26 : 14);
    if (i !== undefined) pick(i, event.shiftKey || event.metaKey || event.ctrlKey);
  });
  canvas.addEventListener("pointermove", (event) => {
    const i = event.buttons || event.pointerType === "touch" ? undefined : nearestAt(event, 12);
    hover(i, i === undefined ? null : [px(i), py(i)]);
    canvas.style.cursor = i === undefined ? "" : "pointer";
  });
  canvas.addEventListener("pointerleave", () => hover(undefined, null));
  canvas.addEventListener("keydown", (event) => {
    const steps = {
      ArrowLeft: [60, 0],
      ArrowRight: [-60, 0],
      ArrowUp: [0, 60],
      ArrowDown: [0, -60],
    };
    if (steps[event.key])
      surface.call(behaviour.translateBy, ...steps[event.key].map((step) => step / view.k));
    else if (event.key === "+" || event.key === "=") surface.call(behaviour.scaleBy, 1.4);
    else if (event.key === "-") surface.call(behaviour.scaleBy, 1 / 1.4);
    else if (event.key === "0") surface.call(behaviour.transform, zoomIdentity);
    else return;
    event.preventDefault();
  });
  new ResizeObserver(resize).observe(canvas);

  return {
    show,
    times,
    /** Colours: `of` is the place in `colours` of each word's; one that speaks is never weak. */
    colours(of, colours, speaks = false) {
      paint = { of, colours: colours.map(rgb), speaks };
      draw();
    },
    /** What is shown of the chosen words: {main, near, lines: [[from, to, strength, arrow]], weak}. */
    mark(change) {
      marks = change;
      draw();
    },
    zoomBy: (factor) => surface.call(behaviour.scaleBy, factor),
    whole: () => surface.call(behaviour.transform, zoomIdentity),
    /** Bring a word into sight. */
    reveal(i) {
      const [left, top] = [px(i), py(i)];
      if (left < 40 || top < 30 || left > width - 80 || top > height - 30) {
        surface.call(behaviour.translateTo, fit.x + fit.scale * x[i], fit.y - fit.scale * y[i]);
      }
    },
    where: (i) => [px(i), py(i)],
  };
}
