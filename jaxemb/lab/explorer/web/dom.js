// Small helpers to build elements; no text is ever read as HTML.

const SVG = "http://www.w3.org/2000/svg";
const SHAPES = new Set(["svg", "g", "circle", "line", "path", "text"]);

/** An element: h("button", {class: "text", onclick: act}, "label"). */
export function h(tag, properties = {}, ...children) {
  const of = SHAPES.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) of.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") of[name] = value;
    else of.setAttribute(name, value === true ? "" : value);
  }
  of.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return of;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Where elements lie on another one: [left, top, right, bottom] in its pixels. */
export function rectangles(on, elements) {
  const { left, top } = on.getBoundingClientRect();
  const boxes = elements.map((element) => element.getBoundingClientRect());
  return boxes.map((box) => [box.left - left, box.top - top, box.right - left, box.bottom - top]);
}

/** Put children in the place of whatever an element holds. */
export function fill(element, ...children) {
  element.replaceChildren(
    ...children.flat().filter((child) => child !== null && child !== undefined),
  );
}

/** Say a sentence to a screen reader. */
export function announce(text) {
  byId("live").textContent = text;
}

const palette = new Map();

/** The value of a colour of the style, such as "accent"; the style is read once for each theme. */
export function colour(name) {
  if (!palette.has(name)) {
    const style = getComputedStyle(document.documentElement);
    palette.set(name, style.getPropertyValue(`--${name}`).trim());
  }
  return palette.get(name);
}

/** Read the colours anew, after a change of the theme. */
export function renewColours() {
  palette.clear();
}

/** 12,345; 0.123; 3.2e-6; ∞; – for no number. A whole number has decimals only if their number is given. */
export function shown(number, digits) {
  if (number === Infinity) return "∞";
  if (number === null || !Number.isFinite(number)) return "–";
  if (digits === undefined && Number.isInteger(number)) return number.toLocaleString("en");
  const size = Math.abs(number);
  if (size >= 1e5 || (size < 1e-3 && size > 0)) return number.toExponential(1).replace("e+", "e");
  return number.toLocaleString("en", {
    minimumFractionDigits: digits ?? 3,
    maximumFractionDigits: digits ?? 3,
  });
}

/** Call at most once a frame, with the latest arguments. */
export function onceAFrame(act) {
  let waiting = null;
  return (...latest) => {
    if (waiting === null)
      requestAnimationFrame(() => {
        const now = waiting;
        waiting = null;
        act(...now);
      });
    waiting = latest;
  };
}
