// What is computed about the chosen words, marked on the map, and said to a screen reader.
import { shown, announce } from "./dom.js";
import { analogy, nearest, pair } from "./measures.js";

const NEAR = 12;

/** What the panel and the map show of the chosen words. */
export function aboutChosen(now, chosen) {
  const [a, b, c] = chosen;
  if (chosen.length === 1) return { one: nearest(now, a, NEAR) };
  if (chosen.length === 2) return { two: pair(now, a, b) };
  if (chosen.length === 3) return { three: analogy(now, a, b, c, NEAR) };
  return {};
}

/** The marks of the map for what was computed about the chosen words. */
export function marksOf(about, chosen) {
  if (about.one) {
    const near = about.one.cosine;
    return {
      main: chosen,
      near: near.map(([i]) => i),
      lines: near.map(([i, value]) => [chosen[0], i, value]),
      weak: true,
    };
  }
  if (about.two)
    return { main: chosen, near: [], lines: chosen.map((i) => [-1, i, 0.9, true]), weak: true };
  if (about.three) {
    const [[a, b, c], [answer, ...near]] = [chosen, about.three.slice(0, 3).map(([i]) => i)];
    const lines = [
      [a, b, 0.9, true],
      [a, c, 0.3],
    ];
    if (answer !== undefined) lines.push([c, answer, 0.9, true], [b, answer, 0.3]);
    const main = answer === undefined ? chosen : [...chosen, answer];
    return { main, near, lines, weak: true };
  }
  return { main: [], near: [], lines: [], weak: false };
}

/** One sentence about the chosen words, for a screen reader. */
export function sayChosen(words, chosen, about) {
  const [a, b, c] = chosen.map((i) => words[i]);
  if (about.one) {
    const near = about.one.cosine.slice(0, 3).map(([i, v]) => `${words[i]} ${shown(v, 2)}`);
    announce(near.length ? `${a}: nearest ${near.join(", ")}` : `${a} has no direction`);
  }
  if (about.two) {
    const { angle, cosine } = about.two;
    const between = `angle ${shown(angle, 1)} degrees, cosine ${shown(cosine)}`;
    announce(`${a} and ${b}: ${angle === null ? "no angle with a row of zeros" : between}`);
  }
  if (about.three) {
    const answer = words[about.three[0]?.[0]] ?? "no word of this table";
    announce(`${a} is to ${b} as ${c} is to ${answer}`);
  }
}
