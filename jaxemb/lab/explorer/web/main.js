// The page: reads what it holds, and joins the map, the panels and the controls.
import { h, fill, byId, rectangles, shown } from "./dom.js";
import { bytesOf, table, unpack } from "./numbers.js";
import { changed, lazily, prepared } from "./transform.js";
import { laidOut, mapsOf } from "./axes.js";
import { alike } from "./measures.js";
import { store, toAddress, fromAddress } from "./store.js";
import { searchBox } from "./search.js";
import { COLOURS, paint } from "./paint.js";
import { mapView } from "./map.js";
import { buildStrip } from "./strip.js";
import { aboutChosen, marksOf, sayChosen } from "./chosen.js";
import { drawWords } from "./words_panel.js";
import { algebraPanel, measuresOf } from "./algebra_panel.js";
import { ladderPanel } from "./ladder_panel.js";
import { drawTraining } from "./training_panel.js";
import { VIEWS, buildTabs, showView, theme } from "./frame.js";

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
    axes: "pca 1 2",
    colours: "cluster",
    rung:
      (values.clouds?.words ?? []).map((one) => index.get(one.word)).find((i) => i !== undefined) ??
      examples[0] ??
      0,
  };
  const [views, axes, colours] = [VIEWS, mapsOf(values), COLOURS].map(Object.keys);
  const addressed = () => fromAddress(location.hash, index, first, { views, axes, colours });
  const state = store(addressed());
  addEventListener("hashchange", () => state.set(addressed()));
  const session = {
    values,
    words,
    index,
    examples,
    first,
    store: state,
    start: prepared(of, values),
    now: null,
    pick: pickOf(state),
  };
  session.about = aboutOnce(session);
  session.drop = (i) => state.set({ chosen: state.get().chosen.filter((j) => j !== i) });
  session.measured = () => measuresOf(session.now);
  session.dependentWords = (count) => dependentWords(session, count);
  byId("name").textContent = values.name;
  byId("about").textContent =
    `${values.limited ? "the first " : ""}${shown(rows)} × ${shown(values.full)}, ${values.verdict}`;
  globalThis.explorer = session; // for those who open the console, and for tests
  theme(() => session.redraw?.());
  compute(session);
  const plain = { rank: dim, center: false, directions: 0 };
  session.asItIs = lazily(() => ({
    ...measuresOf(changed(session.start, plain)),
    rank: values.rank,
  }));
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

/** What is computed about the chosen words: once for each choice and each change of the table. */
function aboutOnce(session) {
  let [of, about] = [[], null];
  return () => {
    const [now, chosen] = [session.now, session.store.get().chosen];
    if (of[0] !== now || of[1] !== chosen) [of, about] = [[now, chosen], aboutChosen(now, chosen)];
    return about;
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
  const near = chosen.flatMap((i) => alike(now, i, count).map(([j]) => j));
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
    covered: () => rectangles(byId("map"), [byId("map-note"), byId("zoom-buttons")]),
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
    words: () => drawWords(session),
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
    const about = session.about();
    map.mark(marksOf(about, now.chosen));
    if (differs("chosen")) sayChosen(words, now.chosen, about);
  }
  if (differs("colours", "chosen", "rank", "center", "directions")) paint(session);
  if (differs("view")) showView(now.view);
  if (differs("view", "chosen", "adding", "rank", "center", "directions", "rung", "equation"))
    if (!later || now.view !== "algebra") draw[now.view]();
  const address = toAddress(now, words, session.first);
  history.replaceState(null, "", address ? `#${address}` : location.pathname + location.search);
}

function layout(session, animate) {
  const { now, values, map, store: state } = session;
  const { axes } = state.get();
  if (axes === "umap") {
    byId("map-note").textContent =
      "UMAP by cosines, of the table as it is: near points are near; far ones say little";
    const [x, y] = [0, 1].map((k) => Float32Array.from(values.umap, (point) => point[k]));
    map.show(x, y, animate, false);
    return;
  }
  const { x, y, note, origin } = laidOut(now, axes);
  byId("map-note").textContent = note;
  map.show(x, y, animate, origin);
}

function buildOptions({ values, map, store: state }) {
  const choice = (name, options) => {
    const select = h(
      "select",
      { id: name, onchange: () => state.set({ [name]: select.value }) },
      Object.entries(options).map(([value, text]) => h("option", { value }, text)),
    );
    const follow = (now) => (select.value = now[name]);
    state.on(follow);
    follow(state.get());
    return select;
  };
  const [axes, colours] = [choice("axes", mapsOf(values)), choice("colours", COLOURS)];
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
