// Search with suggestions: a combobox as the ARIA practices describe it.
import { h, announce } from "./dom.js";

/**
 * The word itself, then words that differ in case or marks, that begin with the text, that contain
 * it; each kind in the order of the table.
 */
export function suggestions(words, folded, text, most = 8) {
  if (!text) return [];
  const wanted = fold(text);
  const kinds = [[words.indexOf(text)].filter((i) => i >= 0), [], [], []];
  for (let i = 0; wanted && i < words.length; i++) {
    const at = folded[i].indexOf(wanted);
    if (at < 0) continue;
    const kind = kinds[folded[i] === wanted ? 1 : at === 0 ? 2 : 3];
    if (kind.length < most) kind.push(i);
  }
  return [...new Set(kinds.flat())].slice(0, most);
}

/** A text without case and without marks on its letters. */
export function fold(text) {
  return text
    .toLowerCase()
    .normalize("NFD")
    .replace(/\p{Mn}/gu, "");
}

/** A search field; `pick(index)` is called with the chosen word. */
export function searchBox(words, id, label, pick) {
  const folded = words.map(fold);
  const list = h("ul", {
    id: `${id}-suggestions`,
    role: "listbox",
    "aria-label": label,
    hidden: true,
  });
  const input = h("input", {
    id,
    type: "search",
    role: "combobox",
    "aria-expanded": "false",
    "aria-controls": list.id,
    "aria-autocomplete": "list",
    "aria-label": label,
    autocomplete: "off",
    spellcheck: "false",
    placeholder: label,
    oninput: renew,
    onkeydown: press,
    onblur: () => setTimeout(close, 150),
  });
  let [listed, active] = [[], -1];

  function renew() {
    listed = suggestions(words, folded, input.value);
    active = listed.length ? 0 : -1;
    draw();
    if (input.value && !listed.length) announce(`no word like ${input.value}`);
  }
  function draw() {
    const none = input.value && !listed.length;
    const rows = listed.map((i, place) =>
      h(
        "li",
        {
          id: `${list.id}-${place}`,
          role: "option",
          "aria-selected": String(place === active),
          onmousedown: (event) => {
            event.preventDefault();
            take(i);
          },
        },
        words[i],
        h("small", {}, `row ${(i + 1).toLocaleString("en")}`),
      ),
    );
    list.replaceChildren(...(none ? [h("li", {}, `no word like “${input.value}” here`)] : rows));
    list.hidden = !listed.length && !none;
    input.setAttribute("aria-expanded", String(listed.length > 0));
    if (active >= 0) input.setAttribute("aria-activedescendant", `${list.id}-${active}`);
    else input.removeAttribute("aria-activedescendant");
  }
  function press(event) {
    if (event.key === "Escape") close();
    if (event.key === "Enter") {
      event.preventDefault();
      if (active >= 0) take(listed[active]);
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && listed.length) {
      event.preventDefault();
      active = (active + step + listed.length) % listed.length;
      draw();
    }
  }
  function close() {
    [listed, active] = [[], -1];
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }
  function take(i) {
    input.value = "";
    close();
    pick(i);
  }
  return [input, list];
}
