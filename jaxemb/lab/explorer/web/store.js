// What the user chose, in one value; views listen to its changes. The address keeps it, to be shared.

export function store(initial) {
  let state = initial;
  const listeners = [];
  return {
    get: () => state,
    set(change) {
      const before = state;
      state = { ...state, ...change };
      for (const listener of listeners) listener(state, before);
    },
    on(listener) {
      listeners.push(listener);
    },
  };
}

/** What is shown, as the part of the address after #; what is as at first is left out. */
export function toAddress(state, words, first) {
  const parts = new URLSearchParams();
  if (state.view !== "words") parts.set("view", state.view);
  state.chosen.forEach((i) => parts.append("w", words[i]));
  state.equation.forEach((i) => parts.append("term", words[i]));
  if (state.view === "ladder") parts.set("ladder", words[state.rung]);
  if (state.rank < first.rank) parts.set("rank", state.rank);
  if (state.center) parts.set("mean", "removed");
  if (state.directions) parts.set("without", state.directions);
  if (state.axes !== first.axes) parts.set("map", state.axes);
  if (state.colours !== first.colours) parts.set("colour", state.colours);
  return parts.toString();
}

/**
 * The state that an address names; what it cannot name is as at first.
 *
 * choices: {views, axes, colours}, lists of what there is to choose from; index: Map of word to row.
 */
export function fromAddress(text, index, first, { views, axes, colours }) {
  const parts = new URLSearchParams(text.replace(/^#/, ""));
  const rowsOf = (name) => [
    ...new Set(
      parts
        .getAll(name)
        .map((word) => index.get(word))
        .filter((i) => i !== undefined),
    ),
  ];
  const choice = (name, list, other) => (list.includes(parts.get(name)) ? parts.get(name) : other);
  const whole = (name, low, high, other) => {
    const value = parts.has(name) ? Number(parts.get(name)) : NaN;
    return Number.isInteger(value) && value >= low && value <= high ? value : other;
  };
  const chosen = rowsOf("w").slice(0, 3);
  return {
    ...first,
    view: choice("view", views, first.view),
    chosen,
    equation: rowsOf("term"),
    rung: rowsOf("ladder")[0] ?? chosen.at(-1) ?? first.rung,
    rank: whole("rank", 1, first.rank, first.rank),
    center: parts.get("mean") === "removed",
    directions: whole("without", 1, Math.min(10, first.rank - 1), 0),
    axes: choice("map", axes, first.axes),
    colours: choice("colour", colours, first.colours),
  };
}
