// The table as it travels: codes of 12 bits, two in three bytes; a number is low + step * code.

/** Unpack rows * dim codes of bytes into numbers, row by row. */
export function unpack(bytes, rows, dim, low, step) {
  const numbers = new Float32Array(rows * dim);
  let column = 0;
  for (let i = 0, at = 0; i < numbers.length; i += 2, at += 3) {
    const middle = bytes[at + 1];
    numbers[i] = low[column] + step[column] * ((bytes[at] << 4) | (middle >> 4));
    column = column + 1 === dim ? 0 : column + 1;
    if (i + 1 < numbers.length) {
      numbers[i + 1] = low[column] + step[column] * (((middle & 15) << 8) | bytes[at + 2]);
      column = column + 1 === dim ? 0 : column + 1;
    }
  }
  return numbers;
}

/** The bytes of a text in base64. */
export function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** A table of numbers, row by row: {numbers, rows, dim}. */
export function table(numbers, rows, dim) {
  return { numbers, rows, dim };
}

/** One row, as a view. */
export function row(of, i) {
  return of.numbers.subarray(i * of.dim, (i + 1) * of.dim);
}

/** The inner product of two vectors. */
export function inner(left, right) {
  let sum = 0;
  for (let j = 0; j < left.length; j++) sum += left[j] * right[j];
  return sum;
}

/** The mean row and the Gram matrix A^T A (row by row, dim x dim), in float64. */
export function moments(of) {
  const { numbers, rows, dim } = of;
  const mean = new Float64Array(dim);
  const gram = new Float64Array(dim * dim);
  for (let i = 0, at = 0; i < rows; i++, at += dim) {
    for (let j = 0; j < dim; j++) {
      const value = numbers[at + j];
      mean[j] += value;
      const line = j * dim;
      for (let l = j; l < dim; l++) gram[line + l] += value * numbers[at + l];
    }
  }
  for (let j = 0; j < dim; j++) {
    mean[j] /= rows;
    for (let l = j + 1; l < dim; l++) gram[l * dim + j] = gram[j * dim + l];
  }
  return { mean, gram };
}

/** The length of every row. */
export function lengths(of) {
  const result = new Float64Array(of.rows);
  for (let i = 0; i < of.rows; i++) {
    const vector = row(of, i);
    result[i] = Math.sqrt(inner(vector, vector));
  }
  return result;
}
