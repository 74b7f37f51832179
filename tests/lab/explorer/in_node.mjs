// Computes with the page's own modules what a test asks for: node in_node.mjs < question.json
//
// A question is {web, vendor, values, codes, ask, search, labels}. `web` is the folder of the modules,
// `vendor` the file of their libraries. `values` and `codes` are a page's table, as JSON and in base64;
// of it, `ask` is a list of {settings, words, near}: a change, the rows to ask about, how many
// neighbours. `search` is {words, typed}, `labels` {points, sizes, options}. The answer has the same names.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const question = JSON.parse(readFileSync(0, "utf8"));
const module = (name) => import(pathToFileURL(`${question.web}/${name}`).href);
await import(pathToFileURL(question.vendor).href);
const [numbers, transform, axes, measures, dependent, search, labels, algebra] = await Promise.all(
  [
    "numbers.js",
    "transform.js",
    "axes.js",
    "measures.js",
    "dependence.js",
    "search.js",
    "labels.js",
    "algebra_panel.js",
  ].map(module),
);

function answers(values) {
  const { rows, dim, low, step } = values;
  const of = numbers.table(
    numbers.unpack(numbers.bytesOf(question.codes), rows, dim, low, step),
    rows,
    dim,
  );
  const start = transform.prepared(of, values);
  return {
    numbers: Array.from(of.numbers),
    asked: question.ask.map(({ settings, words, near }) => {
      const now = transform.changed(start, settings);
      const { x, y, note } = axes.laidOut(now, "pca 1 2");
      return {
        values: Array.from(now.values),
        centred: Array.from(now.centred.values),
        plane: [Array.from(x), Array.from(y)],
        note,
        zeros: now.zeros,
        measures: algebra.measuresOf(now),
        nearest: words.map((i) => measures.nearest(now, i, near)),
        pairs: words.slice(1).map((j) => measures.pair(now, words[0], j)),
        analogy: measures.analogy(now, words[0], words[1], words[2], near),
        dependence:
          dim < rows ? dependent.dependence(now.of, [...Array(now.of.dim + 1).keys()]) : null,
      };
    }),
  };
}

const { values } = question;
const result = values ? answers(values) : {};
if (question.search) {
  const folded = question.search.words.map(search.fold);
  result.search = question.search.typed.map((text) =>
    search.suggestions(question.search.words, folded, text),
  );
}
if (question.labels) {
  const { points, sizes, options } = question.labels;
  result.labels = labels.placed(
    points.keys(),
    (i) => points[i],
    (i) => sizes[i],
    1000,
    1000,
    options,
  );
}
process.stdout.write(JSON.stringify(result));
