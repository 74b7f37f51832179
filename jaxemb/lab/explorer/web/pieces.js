// Pieces that several panels are made of.
import { h } from "./dom.js";

/** A table of facts: the names of its columns, then lines that each begin with their name. */
export function facts(head, lines) {
  const column = (name) => h(name ? "th" : "td", name ? { scope: "col" } : {}, name);
  const line = ([name, ...cells]) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, name),
      cells.map((cell) => h("td", {}, cell)),
    );
  return h(
    "table",
    { class: "facts" },
    h("thead", {}, h("tr", {}, head.map(column))),
    h("tbody", {}, lines.map(line)),
  );
}

/** A table of facts that unfolds. */
export function unfolded(name, head, lines) {
  return h("details", {}, h("summary", {}, name), facts(head, lines));
}

/** A chosen word with a button that removes it; `from` says from what. */
export function chip(word, from, remove) {
  const label = `remove ${word}${from}`;
  const button = h("button", { type: "button", "aria-label": label, onclick: remove }, "×");
  return h("span", { class: "chip" }, word, button);
}
