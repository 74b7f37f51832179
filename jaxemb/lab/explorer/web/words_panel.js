// One word: its neighbours. Two: their angle. Three: an analogy.
import { h, fill, byId, shown } from "./dom.js";
import { chip, facts } from "./pieces.js";

export const NO_DIRECTION =
  "All numbers of this row are 0: it has no direction, and no cosine with any row.";

/** Draw the panel. */
export function drawWords(session) {
  const about = session.about();
  const { words, store: state } = session;
  const { chosen, adding } = state.get();
  const chips = h(
    "div",
    { class: "chips" },
    chosen.map((i) => chip(words[i], "", () => session.drop(i))),
    chosen.length > 0 && chosen.length < 3
      ? h(
          "button",
          {
            class: "text",
            type: "button",
            "aria-pressed": String(adding),
            onclick: () => state.set({ adding: !adding }),
          },
          adding ? "now choose one" : `+ ${chosen.length === 1 ? "a second word" : "a third"}`,
        )
      : null,
    chosen.length > 1
      ? h(
          "button",
          { class: "text", type: "button", onclick: () => state.set({ chosen: [] }) },
          "clear",
        )
      : null,
  );
  const body = about.one
    ? one(session, about.one, chosen[0])
    : about.two
      ? two(session, about.two, chosen)
      : about.three
        ? three(session, about.three, chosen)
        : nothing(session);
  fill(byId("panel-words"), chosen.length ? chips : null, body);
}

function nearList(session, name, list, share) {
  return h(
    "div",
    {},
    h("h3", {}, name),
    h(
      "ol",
      { class: "near", "aria-label": name },
      list.map(([i, value]) =>
        h(
          "li",
          {},
          h("i", {
            style: `width: calc((100% - 16px) * ${Math.max(0, Math.min(1, share(value))).toFixed(3)})`,
          }),
          h(
            "button",
            { type: "button", onclick: (event) => session.pick(i, event.shiftKey) },
            h("span", {}, session.words[i]),
            h("span", {}, shown(value, 3)),
          ),
        ),
      ),
    ),
  );
}

function one(session, { cosine, euclid }, i) {
  const { words, now } = session;
  const nearestOne = euclid[0][1];
  const size = now.lengths[i];
  return [
    h("h2", { class: "big" }, words[i]),
    h(
      "p",
      { class: "hint" },
      `row ${shown(i + 1)} of ${shown(words.length)}, length ${shown(size, 2)}`,
    ),
    h(
      "div",
      { class: "lists" },
      size > 0
        ? nearList(session, "by cosine", cosine, (value) => value)
        : h("div", {}, h("h3", {}, "by cosine"), h("p", { class: "hint" }, NO_DIRECTION)),
      nearList(session, "by distance", euclid, (value) => (value > 0 ? nearestOne / value : 1)),
    ),
  ];
}

function two(session, { cosine, angle, distance }, [a, b]) {
  const { words, now } = session;
  const zeros = [a, b].filter((i) => !(now.lengths[i] > 0)).map((i) => words[i]);
  return [
    h("h2", {}, `${words[a]} and ${words[b]}`),
    angle === null ? null : arms(words[a], words[b], angle),
    facts(
      ["", "this table", "one-hot"],
      [
        ["angle", angle === null ? "–" : `${shown(angle, 1)}°`, "90.0°"],
        ["cosine", shown(cosine, 3), "0.000"],
        ["distance", shown(distance, 3), shown(Math.SQRT2)],
      ],
    ),
    h(
      "p",
      { class: "hint" },
      zeros.length
        ? `All numbers of ${zeros.join(" and of ")} are 0: a row of zeros has no direction, and no angle with any row.`
        : `The angle is that of all ${shown(now.of.dim)} dimensions; the map shows two of them.`,
    ),
  ];
}

/** Two arrows from one point, with their angle in degrees. */
function arms(one, other, angle) {
  const radians = (angle * Math.PI) / 180;
  const [left, top] = [150 + 110 * Math.cos(radians), 130 - 110 * Math.sin(radians)];
  const arc = `M ${150 + 38} 130 A 38 38 0 0 0 ${150 + 38 * Math.cos(radians)} ${130 - 38 * Math.sin(radians)}`;
  return h(
    "svg",
    {
      viewBox: angle < 80 ? "80 0 250 160" : "0 0 300 160",
      role: "img",
      "aria-label": `an angle of ${shown(angle, 1)} degrees`,
    },
    h("line", {
      x1: 150,
      y1: 130,
      x2: 260,
      y2: 130,
      stroke: "var(--accent)",
      "stroke-width": 3,
      "stroke-linecap": "round",
    }),
    h("line", {
      x1: 150,
      y1: 130,
      x2: left,
      y2: top,
      stroke: "var(--accent)",
      "stroke-width": 3,
      "stroke-linecap": "round",
    }),
    h("path", { d: arc, fill: "none", stroke: "var(--soft)", "stroke-width": 1.5 }),
    h("text", { x: 264, y: 150, "text-anchor": "end" }, one),
    h("text", { x: left, y: top - 8, "text-anchor": left < 110 ? "start" : "middle" }, other),
    h("text", { x: 142, y: 122, "text-anchor": "end", class: "soft" }, `${shown(angle, 1)}°`),
  );
}

function three(session, answers, [a, b, c]) {
  const { words, now } = session;
  const title = (answer) =>
    h("h2", { class: "big" }, `${words[a]} : ${words[b]}`, h("br"), `${words[c]} : ${answer}`);
  if (!answers.length) {
    const zeros = [a, b, c].filter((i) => !(now.lengths[i] > 0)).map((i) => words[i]);
    const why = zeros.length
      ? `All numbers of ${zeros.join(" and of ")} are 0: a row of zeros has no direction, so no row can answer.`
      : "No other row of the table has a direction: an analogy needs a fourth.";
    return [title("?"), h("p", { class: "hint" }, why)];
  }
  return [
    title(words[answers[0][0]]),
    h(
      "p",
      { class: "hint" },
      `${words[b]} − ${words[a]} + ${words[c]}, each of length 1; the rows of largest cosine with it, ` +
        "without the three words (3CosAdd).",
    ),
    nearList(session, "answers", answers, (value) => value),
    h(
      "div",
      { class: "row" },
      h(
        "button",
        {
          class: "text",
          type: "button",
          onclick: () => session.store.set({ chosen: [b, a, answers[0][0]] }),
        },
        "the other way round",
      ),
    ),
  ];
}

function nothing(session) {
  const { words, values } = session;
  const members = Array.from({ length: 10 }, () => []);
  const start = Math.min(100, Math.floor(words.length / 4));
  for (let i = start; i < words.length; i++) {
    const list = members[values.cluster[i]];
    if (list.length < 4 && /^\p{L}+$/u.test(words[i])) list.push(words[i]);
  }
  const tries = session.examples.map((i) =>
    h("button", { class: "text", type: "button", onclick: () => session.pick(i) }, words[i]),
  );
  return [
    h("h2", {}, `${shown(words.length)} words, ${shown(values.full)} numbers each`),
    h(
      "p",
      { class: "hint" },
      "Each point of the map is a word. Choose one, on the map or by the search: its neighbours. " +
        "Choose a second: their angle. A third: an analogy.",
    ),
    tries.length ? h("div", { class: "row" }, "Try", tries) : null,
    h("h3", {}, "Clusters"),
    h(
      "ul",
      { class: "legend tall" },
      members.flatMap((list, k) =>
        list.length
          ? [h("li", {}, h("i", { style: `background: var(--c${k})` }), list.join(", "))]
          : [],
      ),
    ),
    h(
      "p",
      { class: "hint" },
      "k-means of the directions from the mean; each with its most frequent words beyond the first hundred.",
    ),
  ];
}
