// Eigenvalues and eigenvectors of a symmetric matrix, by ml-matrix.

/**
 * Eigenvalues, descending, and eigenvectors: vectors[i * n + j] is coordinate i of vector j.
 * The matrix is row by row, n x n.
 */
export function symmetricEigen(matrix, n) {
  const { EigenvalueDecomposition, Matrix } = globalThis.vendor;
  const lines = Array.from({ length: n }, (_, i) => matrix.slice(i * n, (i + 1) * n));
  const solved = new EigenvalueDecomposition(new Matrix(lines), { assumeSymmetric: true });
  const turned = solved.eigenvectorMatrix;
  const order = [...solved.realEigenvalues.keys()];
  order.sort((a, b) => solved.realEigenvalues[b] - solved.realEigenvalues[a]);
  const values = Float64Array.from(order, (j) => solved.realEigenvalues[j]);
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) vectors[i * n + j] = turned.get(i, order[j]);
  }
  return { values, vectors };
}
