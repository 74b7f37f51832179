// The table as it is now: truncated to rank k, then centred, then without its first directions.
import { moments, table, lengths } from "./numbers.js";
import { symmetricEigen } from "./eigen.js";

/** What every change starts from: the table U S, its mean and its Gram matrix. */
export function prepared(of) {
  return { of, ...moments(of) };
}

/**
 * The changed table, with its spectrum.
 *
 * settings: {rank, center, directions}. The table is U S, so that its best approximation of rank k
 * (Eckart and Young 1936) is its first k columns. The directions removed are the first right
 * singular vectors of what is left; with `center` this is all-but-the-top (Mu and Viswanath 2018).
 *
 * Result: {of, lengths, mean, values, basis, removed}; `values` are singular values, descending, of
 * the changed table; `basis[i * k + j]` is coordinate i of its right singular vector j.
 */
export function changed(start, settings) {
  const { rank: k, center, directions } = settings;
  const { rows, dim, numbers } = start.of;
  const mean = start.mean.slice(0, k);
  const gram = new Float64Array(k * k);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < k; j++) {
      gram[i * k + j] = start.gram[i * dim + j] - (center ? rows * mean[i] * mean[j] : 0);
    }
  }
  const { values: squares, vectors } = symmetricEigen(gram, k);
  const removed = Math.min(directions, k);
  const kept = new Float32Array(rows * k);
  for (let i = 0; i < rows; i++) {
    const from = i * dim;
    const to = i * k;
    for (let j = 0; j < k; j++) kept[to + j] = numbers[from + j] - (center ? mean[j] : 0);
  }
  const of = table(kept, rows, k);
  for (let d = 0; d < removed; d++) remove(of, vectors, d);
  return { of, lengths: lengths(of), settings, removed, ...spectrumAfter(squares, vectors, k, removed) };
}

/** Subtract from every row its part along one of the right singular vectors. */
function remove(of, vectors, d) {
  const { numbers, rows, dim } = of;
  for (let i = 0, at = 0; i < rows; i++, at += dim) {
    let along = 0;
    for (let j = 0; j < dim; j++) along += numbers[at + j] * vectors[j * dim + d];
    for (let j = 0; j < dim; j++) numbers[at + j] -= along * vectors[j * dim + d];
  }
}

/** Singular values and vectors without the removed ones, which become the last, of value 0. */
function spectrumAfter(squares, vectors, k, removed) {
  const values = new Float64Array(k);
  const basis = new Float64Array(k * k);
  for (let j = 0; j < k; j++) {
    const from = (j + removed) % k;
    values[j] = j + removed < k ? Math.sqrt(Math.max(squares[from], 0)) : 0;
    for (let i = 0; i < k; i++) basis[i * k + j] = vectors[i * k + from];
  }
  return { values, basis };
}

/** The coordinates of every row along right singular vectors a and b, as two arrays. */
export function plane(of, basis, a, b) {
  const { numbers, rows, dim } = of;
  const [x, y] = [new Float32Array(rows), new Float32Array(rows)];
  for (let i = 0, at = 0; i < rows; i++, at += dim) {
    let [u, v] = [0, 0];
    for (let j = 0; j < dim; j++) {
      u += numbers[at + j] * basis[j * dim + a];
      v += numbers[at + j] * basis[j * dim + b];
    }
    x[i] = u;
    y[i] = v;
  }
  return [x, y];
}
