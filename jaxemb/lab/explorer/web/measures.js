// Measures of the changed table: neighbours, angles, analogies, and of the matrix as a whole.
import { inner, row } from "./numbers.js";

/** The cosine of every row with a vector; 0 for a zero vector. */
export function cosines(now, vector) {
  const length = Math.sqrt(inner(vector, vector));
  const result = new Float64Array(now.of.rows);
  for (let i = 0; i < result.length; i++) {
    const product = length * now.lengths[i];
    result[i] = product > 0 ? inner(row(now.of, i), vector) / product : 0;
  }
  return result;
}

/** The Euclidean distance of every row from a vector: the length of the difference. */
function distances(now, vector) {
  const { numbers, rows, dim } = now.of;
  const result = new Float64Array(rows);
  for (let i = 0, at = 0; i < rows; i++, at += dim) {
    let sum = 0;
    for (let j = 0; j < dim; j++) {
      const apart = numbers[at + j] - vector[j];
      sum += apart * apart;
    }
    result[i] = Math.sqrt(sum);
  }
  return result;
}

/** The indices of the n largest scores (smallest with sign -1), without some, in their order. */
export function best(scores, n, without = [], sign = 1) {
  const left = new Set(without);
  const top = [];
  for (let i = 0; i < scores.length; i++) {
    const score = sign * scores[i];
    if (left.has(i) || (top.length === n && score <= sign * scores[top[n - 1]])) continue;
    let at = top.length;
    while (at > 0 && sign * scores[top[at - 1]] < score) at--;
    top.splice(at, 0, i);
    if (top.length > n) top.pop();
  }
  return top;
}

/** The n words of largest cosine with word i, [[j, cosine]]: none with a row of zeros. */
export function alike(now, i, n) {
  if (!(now.lengths[i] > 0)) return [];
  const scores = cosines(now, row(now.of, i));
  return best(scores, n, [i, ...now.zeros]).map((j) => [j, scores[j]]);
}

/** The n nearest words by cosine and by Euclidean distance: {cosine: [[i, value]], euclid: ...}. */
export function nearest(now, i, n) {
  const euclid = distances(now, row(now.of, i));
  return {
    cosine: alike(now, i, n),
    euclid: best(euclid, n, [i], -1).map((j) => [j, euclid[j]]),
  };
}

/** Two words: their cosine, angle [degrees] and distance; no angle (null) with a row of zeros. */
export function pair(now, i, j) {
  const [left, right] = [row(now.of, i), row(now.of, j)];
  const product = now.lengths[i] * now.lengths[j];
  const cosine = product > 0 ? Math.max(-1, Math.min(1, inner(left, right) / product)) : null;
  let squares = 0;
  for (let l = 0; l < left.length; l++) squares += (left[l] - right[l]) ** 2;
  const angle = cosine === null ? null : (Math.acos(cosine) * 180) / Math.PI;
  return { cosine, angle, distance: Math.sqrt(squares) };
}

/**
 * a is to b as c is to what? 3CosAdd (Mikolov, Yih and Zweig 2013), without the three words.
 *
 * No answer if one of them is a row of zeros, or if no other row has a direction.
 */
export function analogy(now, a, b, c, n) {
  if ([a, b, c].some((i) => !(now.lengths[i] > 0))) return [];
  const query = new Float64Array(now.of.dim);
  for (const [i, sign] of [
    [a, -1],
    [b, 1],
    [c, 1],
  ]) {
    row(now.of, i).forEach((value, j) => (query[j] += (sign * value) / now.lengths[i]));
  }
  const scores = cosines(now, query);
  return best(scores, n, [a, b, c, ...now.zeros]).map((j) => [j, scores[j]]);
}

/** The mean cosine of all pairs of different rows, by the length of the sum of unit rows. */
export function meanCosine(now) {
  const { rows, dim } = now.of;
  const together = new Float64Array(dim);
  let alone = 0;
  for (let i = 0; i < rows; i++) {
    if (!(now.lengths[i] > 0)) continue;
    row(now.of, i).forEach((value, j) => (together[j] += value / now.lengths[i]));
    alone += 1;
  }
  return (inner(together, together) - alone) / (rows * (rows - 1));
}

/** (sum s^2)^2 / sum s^4: n equal singular values give n. */
export function participationRatio(values) {
  let [squares, fourths] = [0, 0];
  for (const value of values) {
    squares += value ** 2;
    fourths += value ** 4;
  }
  return fourths > 0 ? squares ** 2 / fourths : 0;
}

/** exp of the entropy of s / sum s (Roy and Vetterli 2007). */
export function effectiveRank(values) {
  const sum = values.reduce((a, b) => a + b, 0);
  if (!(sum > 0)) return 0;
  let entropy = 0;
  for (const value of values) if (value > 0) entropy -= (value / sum) * Math.log(value / sum);
  return Math.exp(entropy);
}

/** sum s^2 / s_1^2. */
export function stableRank(values) {
  return values[0] > 0 ? values.reduce((a, b) => a + (b / values[0]) ** 2, 0) : 0;
}
