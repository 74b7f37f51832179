// The map: all words as points on a canvas, without WebGL. Pan and zoom are d3-zoom's.
import { colour, onceAFrame } from "./dom.js";
import { placed } from "./labels.js";

const SIZES = [3.4, 2.3, 1.5]; // radius of a point [pixels], frequent words first
const LABELS = 110;
const MOVE = 550; // milliseconds from one map to the next

/** A view of the map on a canvas: see the functions that it returns. */
export function mapView(canvas, words, { pick, hover }) {
  const { zoom, zoomIdentity, select, quadtree } = globalThis.vendor;
  const pen = canvas.getContext("2d");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const widths = new Map();
  const all = Array.from(words.keys());
  let [x, y, fromX, fromY] = [null, null, null, null];
  let [moved, started] = [1, 0];
  let fit = { scale: 1, x: 0, y: 0 };
  let tree = null;
  let marks = { main: [], near: [], lines: [], weak: false };
  let paint = { of: new Uint8Array(words.length), colours: ["#888"] };
  let previous = [];
  let [width, height, density] = [1, 1, 1];
  let view = zoomIdentity;
  let sprites = null;
  const times = []; // milliseconds of the last frames

  const behaviour = zoom().scaleExtent([0.4, 600]).on("zoom", (event) => {
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
    sprites = null;
    if (x) place();
    draw();
  }

  /** Fit the points into the canvas; far ones may lie outside. */
  function place() {
    const [left, right] = ends(x);
    const [low, high] = ends(y);
    const margin = Math.min(width, height) * 0.06 + 6;
    const scale = Math.min((width - 2 * margin) / (right - left || 1), (height - 2 * margin) / (high - low || 1));
    fit = { scale, x: width / 2 - (scale * (left + right)) / 2, y: height / 2 + (scale * (low + high)) / 2 };
    tree = quadtree().x((i) => fit.x + fit.scale * x[i]).y((i) => fit.y - fit.scale * y[i]).addAll(all);
  }

  /** Show other coordinates; the points move there, unless motion is unwanted. */
  function show(newX, newY, animate = true) {
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
    if (!x) return;
    const begin = performance.now();
    if (moved < 1) {
      const share = Math.min((begin - started) / MOVE, 1);
      moved = share < 1 ? 1 - (1 - share) ** 3 : 1;
    }
    pen.setTransform(density, 0, 0, density, 0, 0);
    pen.clearRect(0, 0, width, height);
    drawOrigin();
    drawPoints();
    drawMarks();
    drawLabels();
    times.push(performance.now() - begin);
    if (times.length > 120) times.shift();
    if (moved < 1) draw();
  });

  function drawOrigin() {
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

  /** A picture of a point for each colour and size, drawn once. */
  function makeSprites() {
    const grow = Math.min(Math.max(view.k ** 0.3, 0.8), 3);
    sprites = { grow, of: paint.colours.map((fill) => SIZES.map((size) => dot(fill, size * grow))) };
  }
  function dot(fill, radius) {
    const side = Math.ceil((radius + 1) * 2 * density);
    const of = document.createElement("canvas");
    of.width = of.height = side;
    const brush = of.getContext("2d");
    brush.fillStyle = fill;
    brush.beginPath();
    brush.arc(side / 2, side / 2, radius * density, 0, 7);
    brush.fill();
    return { of, half: side / 2 };
  }

  function drawPoints() {
    const grow = Math.min(Math.max(view.k ** 0.3, 0.8), 3);
    if (!sprites || Math.abs(sprites.grow - grow) > 0.1) makeSprites();
    pen.setTransform(1, 0, 0, 1, 0, 0); // sprites at whole pixels: no resampling
    pen.globalAlpha = marks.weak ? 0.22 : 0.8;
    const [frequent, middle] = [words.length * 0.015, words.length * 0.12];
    const [kx, ky] = [view.k * fit.scale * density, -view.k * fit.scale * density];
    const [bx, by] = [view.applyX(fit.x) * density, view.applyY(fit.y) * density];
    const [right, bottom] = [canvas.width + 9, canvas.height + 9];
    for (let i = words.length - 1; i >= 0; i--) {
      const left = bx + kx * across(i);
      const top = by + ky * up(i);
      if (left < -9 || top < -9 || left > right || top > bottom) continue;
      const sprite = sprites.of[paint.of[i]][i < frequent ? 0 : i < middle ? 1 : 2];
      pen.drawImage(sprite.of, (left - sprite.half) | 0, (top - sprite.half) | 0);
    }
    pen.globalAlpha = 1;
    pen.setTransform(density, 0, 0, density, 0, 0);
  }

  function drawMarks() {
    for (const [from, to, strength, arrow] of marks.lines) {
      const a = from < 0 ? [view.applyX(fit.x), view.applyY(fit.y)] : [px(from), py(from)];
      line(a, [px(to), py(to)], strength, arrow);
    }
    for (const [list, radius, name] of [[marks.near, 3.6, "accent"], [marks.main, 6.5, "accent"]]) {
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
  function line([ax, ay], [bx, by], strength, arrow) {
    pen.strokeStyle = pen.fillStyle = colour("accent");
    pen.globalAlpha = Math.min(Math.max(strength, 0.15), 1);
    pen.lineWidth = arrow ? 2 : 1.2;
    pen.beginPath();
    pen.moveTo(ax, ay);
    pen.lineTo(bx, by);
    pen.stroke();
    if (arrow && Math.hypot(bx - ax, by - ay) > 24) {
      const turn = Math.atan2(by - ay, bx - ax);
      const [tx, ty] = [bx - 8 * Math.cos(turn), by - 8 * Math.sin(turn)];
      pen.beginPath();
      pen.moveTo(tx, ty);
      for (const side of [2.7, -2.7]) pen.lineTo(tx + 10 * Math.cos(turn + side), ty + 10 * Math.sin(turn + side));
      pen.fill();
    }
    pen.globalAlpha = 1;
  }

  function drawLabels() {
    const marked = [...marks.main, ...marks.near];
    const first = new Set(marked);
    const family = `"Iowan Old Style", Palatino, "Noto Serif", Georgia, serif`;
    const fontOf = (i) => marks.main.includes(i) ? `600 19px ${family}` : first.has(i) ? `500 15px ${family}` : `13px ${family}`;
    const size = (i) => {
      const font = fontOf(i);
      const key = `${i} ${font.slice(0, 4)}`;
      if (!widths.has(key)) {
        pen.font = font;
        widths.set(key, pen.measureText(words[i]).width);
      }
      const main = marks.main.includes(i);
      return [widths.get(key), main ? 20 : 15, main ? 11 : 7];
    };
    const at = (i) => {
      const [left, top] = [px(i), py(i)];
      return left < 0 || top < 0 || left > width || top > height ? null : [left, top];
    };
    const order = marks.weak ? marked : ordered(marked, previous.filter((i) => !first.has(i)), all);
    const result = placed(order, at, size, marks.weak ? 40 : LABELS * Math.min(1, (width * height) / 5e5 + 0.15), 900);
    previous = marks.weak ? previous : result.map(([i]) => i).sort((a, b) => a - b);
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    pen.lineWidth = 3.5;
    pen.strokeStyle = colour("paper");
    for (const [i, left, middle] of result) {
      pen.font = fontOf(i);
      pen.strokeText(words[i], left, middle);
      pen.fillStyle = colour(marks.main.includes(i) ? "accent" : "ink");
      pen.fillText(words[i], left, middle);
    }
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
    const steps = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
    if (steps[event.key]) surface.call(behaviour.translateBy, ...steps[event.key].map((step) => step / view.k));
    else if (event.key === "+" || event.key === "=") surface.call(behaviour.scaleBy, 1.4);
    else if (event.key === "-") surface.call(behaviour.scaleBy, 1 / 1.4);
    else if (event.key === "0") surface.call(behaviour.transform, zoomIdentity);
    else return;
    event.preventDefault();
  });
  new ResizeObserver(resize).observe(canvas);

  return {
    show,
    draw,
    times,
    /** Colours: `of` is the place in `colours` of each word's. */
    colours(of, colours) {
      paint = { of, colours };
      sprites = null;
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

/** The range of coordinates without the outermost 0.1 % on either side. */
function ends(values) {
  const sorted = Float32Array.from(values).sort();
  const cut = Math.floor(sorted.length * 0.001);
  return [sorted[cut], sorted[sorted.length - 1 - cut]];
}

function* ordered(...lists) {
  const past = new Set();
  for (const list of lists) {
    for (const i of list) {
      if (!past.has(i)) yield i;
      past.add(i);
    }
  }
}
