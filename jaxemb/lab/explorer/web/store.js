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

/** The state as the part of the address after #. */
export function toAddress(state, words, dim) {
  const parts = new URLSearchParams();
  if (state.view !== "words") parts.set("view", state.view);
  state.chosen.forEach((i) => parts.append("w", words[i]));
  if (state.rank < dim) parts.set("rank", state.rank);
  if (state.center) parts.set("mean", "removed");
  if (state.directions) parts.set("without", state.directions);
  return parts.toString();
}

/** The changes of the state that an address names; what it cannot name is left out. */
export function fromAddress(text, index, dim, views) {
  const parts = new URLSearchParams(text.replace(/^#/, ""));
  const change = {};
  const chosen = parts
    .getAll("w")
    .map((word) => index.get(word))
    .filter((i) => i !== undefined);
  if (chosen.length) change.chosen = chosen.slice(0, 3);
  if (views.includes(parts.get("view"))) change.view = parts.get("view");
  const rank = Number(parts.get("rank"));
  if (Number.isInteger(rank) && rank >= 1 && rank <= dim) change.rank = rank;
  if (parts.get("mean") === "removed") change.center = true;
  const directions = Number(parts.get("without"));
  if (Number.isInteger(directions) && directions > 0 && directions <= Math.min(10, dim - 1)) {
    change.directions = directions;
  }
  return change;
}
