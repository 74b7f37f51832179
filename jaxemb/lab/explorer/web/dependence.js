// n + 1 vectors of dimension n are linearly dependent: the coefficients that show it.
import { inner, row } from "./numbers.js";
import { symmetricEigen } from "./eigen.js";

/**
 * Coefficients of length 1 whose combination of the rows is nearest to zero.
 *
 * They are the eigenvector of the least eigenvalue of the rows' inner products. The result has the
 * residual ||sum c_i a_i|| / s_1, and as a comparison the same combination of one-hot vectors, whose
 * length is ||c|| = 1 whatever the coefficients.
 */
export function dependence(of, chosen) {
  const n = chosen.length;
  const gram = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = i; j < n; j++) {
      gram[i * n + j] = gram[j * n + i] = inner(row(of, chosen[i]), row(of, chosen[j]));
    }
  }
  const { values, vectors } = symmetricEigen(gram, n);
  const coefficients = Array.from({ length: n }, (_, i) => vectors[i * n + n - 1]);
  const sum = new Float64Array(of.dim);
  chosen.forEach((word, i) =>
    row(of, word).forEach((value, j) => (sum[j] += coefficients[i] * value)),
  );
  const largest = Math.sqrt(Math.max(values[0], 0));
  return { coefficients, residual: largest > 0 ? Math.sqrt(inner(sum, sum)) / largest : 0 };
}

/** One of the words as a combination of the others: [[place, factor]], the largest first. */
export function combination(coefficients, place) {
  const others = coefficients.map((value, i) => [i, -value / coefficients[place]]);
  others.splice(place, 1);
  return others.sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
}
