// The table as it is now: truncated to rank k, then centred, then without its first directions.
import { inner, lengths, moments, row, table } from "./numbers.js";
import { symmetricEigen } from "./eigen.js";

const ROUNDING = 2 ** -22; // of float32, in which the table is held: four units of its last place

/**
 * What every change starts from: the table U S, its lengths, its mean and its Gram matrix.
 *
 * `rank` is that of the full table, as it was certified; `constant` is the least k at which the
 * removal of the mean lowers the rank of the first k columns, null if none.
 */
export function prepared(of, { rank, constant }) {
  return { of, rank, constant, lengths: lengths(of), ...moments(of) };
}

/**
 * The rank of a changed table: the certified one, less what the change takes.
 *
 * It is not counted from singular values of the page, where 12 bits make 1e-5 of a zero.
 */
function rankOf(start, { rank: k, center, directions }) {
  const kept = Math.min(start.rank, k);
  const ones = center && start.constant !== null && start.constant <= kept ? 1 : 0;
  return Math.max(kept - ones - directions, 0);
}

/**
 * The changed table, with its spectrum.
 *
 * settings: {rank, center, directions}. The table is U S, so that its best approximation of rank k
 * (Eckart and Young 1936) is its first k columns. The directions removed are the first right
 * singular vectors of what is left; with `center` this is all-but-the-top (Mu and Viswanath 2018).
 *
 * Result: {of, rank, axes, lengths, zeros, values, basis, centred}; `axes` is the rank without the
 * mean; a row of which only rounding is left is one of the `zeros`; `values` are the singular values,
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
  const shift = center ? Math.sqrt(inner(mean, mean)) : 0;
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
  const size = lengths(of);
  const zeros = [];
  for (let i = 0; i < rows; i++) {
    if (size[i] > ROUNDING * (start.lengths[i] + shift)) continue;
    row(of, i).fill((size[i] = 0));
    zeros.push(i);
  }
  return {
    of,
    rank: rankOf(start, settings),
    axes: rankOf(start, { ...settings, center: center || !removed }),
    lengths: size,
    zeros,
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

/** The coordinate of every row along column k of a basis. */
export function along({ numbers, rows, dim }, basis, k) {
  const axis = column(basis, dim, k);
  const x = new Float32Array(rows);
  for (let i = 0, at = 0; i < rows; i++, at += dim) {
    let sum = 0;
    for (let j = 0; j < dim; j++) sum += numbers[at + j] * axis[j];
    x[i] = sum;
  }
  return x;
}
