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
 * Result: {of, lengths, removed, values, basis, centred}; `values` are the singular values,
 * descending, of the changed table; `basis[i * k + j]` is coordinate i of its right singular vector
 * j; `centred` has the same of the changed table minus its mean: its principal axes. What needs
 * eigenvalues is computed when it is first read.
 */
export function changed(start, settings) {
  const { rank: k, center, directions } = settings;
  const { rows, dim, numbers } = start.of;
  const mean = start.mean.slice(0, k);
  const gram = new Float64Array(k * k);
  for (let i = 0; i < k; i++) gram.set(start.gram.subarray(i * dim, i * dim + k), i * k);
  if (center) addOuter(gram, mean, -rows);
  const solved = lazily(() => symmetricEigen(gram, k));
  const whole = lazily(() => after(solved(), k, removed));
  const removed = Math.min(directions, k);
  const kept = new Float32Array(rows * k);
  for (let i = 0; i < rows; i++) {
    const from = i * dim;
    const to = i * k;
    for (let j = 0; j < k; j++) kept[to + j] = numbers[from + j] - (center ? mean[j] : 0);
  }
  const of = table(kept, rows, k);
  const left = center ? mean.fill(0) : mean; // the mean of the changed table
  for (let d = 0; d < removed; d++) {
    const axis = column(solved().vectors, k, d);
    remove(kept, axis);
    remove(left, axis);
  }
  const centred = lazily(() => {
    if (center) return whole();
    const rest = gram.slice();
    for (let d = 0; d < removed; d++) {
      addOuter(rest, column(solved().vectors, k, d), -solved().values[d]);
    }
    addOuter(rest, left, -rows);
    return roots(symmetricEigen(rest, k));
  });
  return {
    of,
    lengths: lengths(of),
    removed,
    get values() {
      return whole().values;
    },
    get basis() {
      return whole().basis;
    },
    get centred() {
      return centred();
    },
  };
}

/** A function whose value is computed once, when it is first asked for. */
export function lazily(make) {
  let value = null;
  return () => (value ??= make());
}

/** Add factor * v v^T to a square matrix. */
function addOuter(matrix, v, factor) {
  for (let i = 0, at = 0; i < v.length; i++) {
    for (let j = 0; j < v.length; j++, at++) matrix[at] += factor * v[i] * v[j];
  }
}

function column(vectors, k, j) {
  return Float64Array.from({ length: k }, (_, i) => vectors[i * k + j]);
}

/** Subtract from every row its part along a unit vector. */
function remove(numbers, axis) {
  const dim = axis.length;
  for (let at = 0; at < numbers.length; at += dim) {
    let along = 0;
    for (let j = 0; j < dim; j++) along += numbers[at + j] * axis[j];
    for (let j = 0; j < dim; j++) numbers[at + j] -= along * axis[j];
  }
}

function roots({ values, vectors }) {
  return { values: values.map((value) => Math.sqrt(Math.max(value, 0))), basis: vectors };
}

/** Singular values and vectors without the removed ones, which become the last, of value 0. */
function after(whole, k, removed) {
  const { values: all, basis: vectors } = roots(whole);
  const values = new Float64Array(k);
  const basis = new Float64Array(k * k);
  for (let j = 0; j < k; j++) {
    const from = (j + removed) % k;
    values[j] = j + removed < k ? all[from] : 0;
    for (let i = 0; i < k; i++) basis[i * k + j] = vectors[i * k + from];
  }
  return { values, basis };
}

/** The coordinates of every row along columns a and b of a basis, as two arrays. */
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
