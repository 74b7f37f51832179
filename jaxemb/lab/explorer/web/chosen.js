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
    const answer = about.three[0][0];
    const [a, b, c] = chosen;
    const lines = [
      [a, b, 0.9, true],
      [c, answer, 0.9, true],
      [a, c, 0.3],
      [b, answer, 0.3],
    ];
    return {
      main: [...chosen, answer],
      near: about.three.slice(1, 3).map(([i]) => i),
      lines,
      weak: true,
    };
  }
  return { main: [], near: [], lines: [], weak: false };
}

/** One sentence about the chosen words, for a screen reader. */
export function sayChosen(words, chosen, about) {
  const [a, b, c] = chosen.map((i) => words[i]);
  if (about.one)
    announce(
      `${a}: nearest ${about.one.cosine
        .slice(0, 3)
        .map(([i, v]) => `${words[i]} ${shown(v, 2)}`)
        .join(", ")}`,
    );
  if (about.two)
    announce(
      `${a} and ${b}: angle ${shown(about.two.angle, 1)} degrees, cosine ${shown(about.two.cosine)}`,
    );
  if (about.three) announce(`${a} is to ${b} as ${c} is to ${words[about.three[0][0]]}`);
}
