// The page: reads what it holds, and joins the map, the panels and the controls.
import { h, fill, byId, shown, colour } from "./dom.js";
import { bytesOf, table, unpack } from "./numbers.js";
import { changed, lazily, plane, prepared } from "./transform.js";
import { cosines, nearest } from "./measures.js";
import { row } from "./numbers.js";
import { store, toAddress, fromAddress } from "./store.js";
import { searchBox } from "./search.js";
import { between } from "./charts.js";
import { mapView } from "./map.js";
import { buildStrip } from "./strip.js";
import { aboutChosen, marksOf, sayChosen } from "./chosen.js";
import { drawWords } from "./words_panel.js";
import { algebraPanel, measuresOf } from "./algebra_panel.js";
import { ladderPanel } from "./ladder_panel.js";
import { drawTraining } from "./training_panel.js";
import { VIEWS, buildTabs, showView, theme } from "./frame.js";

const SHADES = 24;
const QUICK = 128; // columns up to which eigenvalues are computed while a slider moves
const SETTLED = 180; // milliseconds without a change, after which they are computed for more

start();

function start() {
  const values = JSON.parse(byId("values").textContent);
  const { words, rows, dim } = values;
  const of = table(
    unpack(bytesOf(byId("codes").textContent), rows, dim, values.low, values.step),
    rows,
    dim,
  );
  byId("codes").remove();
  const index = new Map();
  words.forEach((word, i) => {
    if (!index.has(word)) index.set(word, i);
  });
  const examples = exampleWords(values, index);
  const first = {
    view: "words",
    chosen: [],
    adding: false,
    equation: [],
    rank: dim,
    center: false,
    directions: 0,
    axes: "pca 0 1",
    colours: "cluster",
    rung:
      (values.clouds?.words ?? []).map((one) => index.get(one.word)).find((i) => i !== undefined) ??
      examples[0] ??
      0,
  };
  const state = store({ ...first, ...fromAddress(location.hash, index, dim, Object.keys(VIEWS)) });
  const session = {
    values,
    words,
    index,
    examples,
    store: state,
    start: prepared(of),
    now: null,
    picked: pickOf(state),
  };
  session.pick = session.picked;
  session.drop = (i) => state.set({ chosen: state.get().chosen.filter((j) => j !== i) });
  session.measured = () => measuresOf(session.now, values.tolerance);
  session.dependentWords = (count) => dependentWords(session, count);
  byId("name").textContent = values.name;
  byId("about").textContent =
    `${values.limited ? "the first " : ""}${shown(rows)} × ${shown(values.full)}, ${values.verdict}`;
  globalThis.explorer = session; // for those who open the console, and for tests
  theme(() => session.redraw?.());
  compute(session);
  const plain = { rank: dim, center: false, directions: 0 };
  session.asItIs = lazily(() => measuresOf(changed(session.start, plain), values.tolerance));
  build(session);
  globalThis.explorer.loaded = performance.now();
}

/** Choose a word; with `add`, beside those that are chosen. */
function pickOf(state) {
  return (i, add = false) => {
    const { chosen, adding } = state.get();
    const more = (add || adding) && chosen.length > 0 && chosen.length < 3 && !chosen.includes(i);
    state.set({ chosen: more ? [...chosen, i] : [i], adding: false, rung: i });
  };
}

function compute(session) {
  const { rank, center, directions } = session.store.get();
  session.now = changed(session.start, { rank, center, directions });
}

/** The words of the equation: those chosen for it, the chosen ones with their neighbours, then frequent words, without repeats. */
function dependentWords({ now, store: state, words }, count) {
  const { equation } = state.get();
  const chosen = [...equation, ...state.get().chosen];
  const near = chosen.flatMap((i) => nearest(now, i, count).cosine.map(([j]) => j));
  const start = Math.min(100, Math.max(0, words.length - count));
  const others = Array.from(words.keys()).slice(start);
  return [...new Set([...chosen, ...near, ...others, ...words.keys()])].slice(0, count);
}

/** Words to begin with: of the clouds, else frequent ones of letters. */
function exampleWords(values, index) {
  const inClouds = (values.clouds?.words ?? [])
    .map((one) => index.get(one.word))
    .filter((i) => i !== undefined);
  const wanted = ["war", "peace", "king", "money", "law", "day"]
    .map((word) => index.get(word))
    .filter((i) => i !== undefined);
  const from = Math.min(200, Math.floor(values.words.length / 2));
  const frequent = [...values.words.keys()]
    .slice(from)
    .filter((i) => /^\p{L}{2,}$/u.test(values.words[i]))
    .slice(0, 6);
  return [...new Set([...wanted, ...inClouds, ...frequent])].slice(0, 6);
}

function build(session) {
  const { words, store: state } = session;
  const tip = byId("tip");
  const map = mapView(byId("map"), words, {
    pick: (i, add) => session.pick(i, add),
    hover: (i, place) => {
      tip.hidden = i === undefined;
      if (i === undefined) return;
      fill(tip, words[i], h("small", {}, `row ${shown(i + 1)}`));
      tip.style.transform = `translate(${place[0] + 12}px, ${place[1] - 34}px)`;
    },
  });
  session.map = map;
  fill(
    byId("finder"),
    searchBox(words, "search", `Search ${shown(words.length)} words`, (i) => {
      session.pick(i, false);
      map.reveal(i);
    }),
  );
  buildOptions(session);
  buildTabs(session);
  buildStrip(session);
  const [algebra, ladder] = [algebraPanel(session), ladderPanel(session)];
  const draw = {
    words: () => drawWords(session, aboutChosen(session.now, state.get().chosen)),
    algebra,
    ladder,
    training: () => drawTraining(session),
  };
  session.redraw = () => {
    paint(session);
    draw[state.get().view]();
  };
  let waiting = 0;
  session.settle = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      layout(session, true);
      if (state.get().view === "algebra") draw.algebra();
    }, SETTLED);
  };
  layout(session, false);
  react(session, draw, {});
  state.on((now, before) => react(session, draw, before));
  addEventListener("resize", () => {
    if (["algebra", "training"].includes(state.get().view)) draw[state.get().view]();
  });
}

/** Bring everything up to date with the state. */
function react(session, draw, before) {
  const { words, map, values, store: state } = session;
  const now = state.get();
  const differs = (...names) => names.some((name) => now[name] !== before[name]);
  const other = before.view !== undefined && differs("rank", "center", "directions");
  const later = other && values.dim > QUICK;
  if (other) compute(session);
  if (later) session.settle();
  else if (other || (before.view !== undefined && differs("axes"))) layout(session, true);
  if (differs("chosen", "rank", "center", "directions")) {
    const about = aboutChosen(session.now, now.chosen);
    map.mark(marksOf(about, now.chosen));
    if (differs("chosen")) sayChosen(words, now.chosen, about);
  }
  if (differs("colours", "chosen", "rank", "center", "directions")) paint(session);
  if (differs("view")) showView(now.view);
  if (differs("view", "chosen", "adding", "rank", "center", "directions", "rung", "equation"))
    if (!later || now.view === "words") draw[now.view]();
  const address = toAddress(now, words, values.dim);
  history.replaceState(null, "", address ? `#${address}` : location.pathname + location.search);
}

function layout(session, animate) {
  const { now, values, map, store: state } = session;
  const { axes } = state.get();
  if (axes === "umap") {
    map.show(
      ...[0, 1].map((k) => Float32Array.from(values.umap, (point) => point[k])),
      animate,
      false,
    );
    byId("map-note").textContent =
      "UMAP by cosines, of the table as it is: near points are near; far ones say little";
    return;
  }
  const [kind, ...pair] = axes.split(" ");
  const { values: sizes, basis } = kind === "pca" ? now.centred : now;
  const [a, b] = pair.map((k) => Math.min(Number(k), now.of.dim - 1));
  map.show(...plane(now.of, basis, a, b), animate);
  const whole = sizes.reduce((sum, value) => sum + value ** 2, 0);
  const share = (k) => `${((100 * sizes[k] ** 2) / whole).toFixed(1)} %`;
  const names =
    kind === "pca" ? ["principal axes", "the variance"] : ["singular directions", "‖A‖²"];
  byId("map-note").textContent =
    `${names[0]} ${a + 1} and ${b + 1} of ${now.of.dim - now.removed}: ${share(a)} and ${share(b)} of ${names[1]}`;
}

/** Colour the points of the map. */
function paint(session) {
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

function buildOptions({ values, map, store: state }) {
  const pairs = [
    ["pca", 0, 1],
    ["pca", 1, 2],
    ["pca", 2, 3],
    ["pca", 4, 5],
    ["svd", 0, 1],
    ["svd", 1, 2],
  ].filter((pair) => pair[2] < values.dim);
  const axes = h(
    "select",
    { id: "axes", onchange: () => state.set({ axes: axes.value }) },
    pairs.map(([kind, a, b]) =>
      h("option", { value: `${kind} ${a} ${b}` }, `${kind.toUpperCase()} ${a + 1}, ${b + 1}`),
    ),
    values.umap ? h("option", { value: "umap" }, "UMAP") : null,
  );
  const colours = h(
    "select",
    { id: "colours", onchange: () => state.set({ colours: colours.value }) },
    [
      ["cluster", "cluster"],
      ["frequency", "frequency"],
      ["length", "length"],
      ["cosine", "cosine to the word"],
    ].map(([value, name]) => h("option", { value }, name)),
  );
  fill(byId("map-options"), h("label", {}, "map", axes), h("label", {}, "colour", colours));
  const button = (name, label, act) =>
    h("button", { type: "button", "aria-label": label, title: label, onclick: act }, name);
  fill(
    byId("zoom-buttons"),
    button("+", "zoom in", () => map.zoomBy(1.6)),
    button("−", "zoom out", () => map.zoomBy(1 / 1.6)),
    button("⌂", "the whole map", () => map.whole()),
  );
  byId("map").setAttribute(
    "aria-label",
    "Map of all words. Arrow keys move it, plus and minus zoom, 0 shows all. The search finds a word.",
  );
}
