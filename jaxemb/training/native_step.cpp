// One step of training in one pass: rows are read, scored, differentiated, and changed.
//
// Every block's updates are computed from the tables as they were; then all are added, each row's
// in the order of the blocks, so that the bits of a step depend on no number of threads.
// native_step.py says what the arguments are.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;

namespace {

constexpr int kLanes = 8;  // 16 ran no faster on a processor with AVX-512
using Lanes = float __attribute__((vector_size(32), aligned(4)));
using Bits = int32_t __attribute__((vector_size(32), aligned(4)));
using Quad = float __attribute__((vector_size(16), aligned(4)));

Lanes load(const float* from) { return *reinterpret_cast<const Lanes*>(from); }
void store(float* to, Lanes lanes) { *reinterpret_cast<Lanes*>(to) = lanes; }
int64_t parts(int64_t size, int64_t part) { return (size + part - 1) / part; }

// The sums of four vectors' lanes.
Quad sums(Lanes a, Lanes b, Lanes c, Lanes d) {
  Lanes ab = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11) +
             __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
  Lanes cd = __builtin_shufflevector(c, d, 0, 8, 1, 9, 2, 10, 3, 11) +
             __builtin_shufflevector(c, d, 4, 12, 5, 13, 6, 14, 7, 15);
  Lanes all = __builtin_shufflevector(ab, cd, 0, 1, 8, 9, 2, 3, 10, 11) +
              __builtin_shufflevector(ab, cd, 4, 5, 12, 13, 6, 7, 14, 15);
  return Quad{all[0], all[1], all[2], all[3]} + Quad{all[4], all[5], all[6], all[7]};
}

// exp(x) to 2 ulp, x held to [-87, 87]: 2^n by the exponent's bits, the rest by Taylor; NaN stays.
Lanes exponential(Lanes x) {
  x = x < -87.0f ? Lanes{} - 87.0f : x;
  x = x > 87.0f ? Lanes{} + 87.0f : x;
  Lanes shifted = x * 1.44269504f + 12582912.0f;  // 1.5 2^23: its last bit is worth 1
  Lanes whole = shifted - 12582912.0f;
  Lanes rest = (x - whole * 0.693145752f) - whole * 1.42860677e-6f;  // log 2 in two parts
  Lanes series = Lanes{} + 1.0f / 5040;
  for (float term : {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f})
    series = series * rest + term;
  return series * (Lanes)(((Bits)shifted - 0x4B400000 + 127) << 23);
}

// The scores of two rows with four others, in whole lanes.
void score(const float* one, const float* two, const float* const* others, int64_t columns,
           float* of_one, float* of_two) {
  Lanes all[2][4] = {};
  for (int64_t k = 0; k < columns; k += kLanes) {
    const Lanes first = load(one + k), second = load(two + k);
    for (int j = 0; j < 4; ++j) {
      const Lanes other = load(others[j] + k);
      all[0][j] += first * other;
      all[1][j] += second * other;
    }
  }
  *reinterpret_cast<Quad*>(of_one) = sums(all[0][0], all[0][1], all[0][2], all[0][3]);
  *reinterpret_cast<Quad*>(of_two) = sums(all[1][0], all[1][1], all[1][2], all[1][3]);
}

float dot(const float* left, const float* right, int64_t count) {
  Lanes all[2] = {};  // two sums: their additions do not wait for each other
  for (int64_t k = 0; k < count; k += 2 * kLanes) {
    all[0] += load(left + k) * load(right + k);
    if (k + kLanes < count) all[1] += load(left + k + kLanes) * load(right + k + kLanes);
  }
  return sums(all[0] + all[1], Lanes{}, Lanes{}, Lanes{})[0];
}

void add(float factor, const float* row, int64_t begin, int64_t end, float* to) {
  for (int64_t k = begin; k < end; k += kLanes)
    store(to + k, load(to + k) + factor * load(row + k));
}

struct Term {  // a row, and how often each of four results takes it
  const float* row;
  float factors[4];
};

// put(r, k, sum) for four results r of some lanes, from k on.
template <int lanes, typename Put>
void sum_terms(const Term* terms, int64_t count, int64_t k, Put put) {
  Lanes all[4][lanes] = {};
  for (int64_t j = 0; j < count; ++j)
    for (int c = 0; c < lanes; ++c) {
      const Lanes part = load(terms[j].row + k + c * kLanes);
      for (int r = 0; r < 4; ++r) all[r][c] += terms[j].factors[r] * part;
    }
  for (int r = 0; r < 4; ++r)
    for (int c = 0; c < lanes; ++c) put(r, k + c * kLanes, all[r][c]);
}

struct Factors {
  const float* values;
  int64_t results, by_result, terms, by_term;
};

// put(i, k, sum) for each result i, floats begin..end, of a matrix of factors times row(0), row(1)...
template <typename Row, typename Put>
void multiply(const Factors& by, Row row, int64_t begin, int64_t end, Put put) {
  static thread_local std::vector<Term> terms;
  terms.resize(by.terms + 1);
  for (int64_t i = 0; i < by.results; i += 4) {
    const int64_t live = std::min<int64_t>(4, by.results - i);
    int64_t taken = 0;  // rows that one of four results takes: windows leave many out
    for (int64_t j = 0; j < by.terms; ++j) {
      Term& term = terms[taken] = {row(j), {}};
      float any = 0;
      for (int64_t r = 0; r < live; ++r)
        any += std::fabs(term.factors[r] = by.values[(i + r) * by.by_result + j * by.by_term]);
      taken += any != 0;
    }
    auto one = [&](int r, int64_t k, Lanes sum) { if (r < live) put(i + r, k, sum); };
    int64_t k = begin;
    for (; k + 2 * kLanes <= end; k += 2 * kLanes) sum_terms<2>(terms.data(), taken, k, one);
    if (k < end) sum_terms<1>(terms.data(), taken, k, one);
  }
}

// One table of a step. The updates of its rows are made where they are added: each is a sum of the
// block's `rows`, one a hidden vector, times `factors`.
struct Side {
  float* table;
  int64_t own, shared;   // rows of a block: `own` for each hidden vector alone, then shared ones
  const int32_t* ids;    // [blocks, hidden * own + shared]
  float* rows;           // [blocks, hidden, columns]
  const float* factors;  // [blocks, hidden, stride]
  int64_t stride;
  int32_t* place;  // [rows of the table]: scratch
};

struct Job {
  int64_t blocks, hidden, columns;
  Side input, output;            // made of hidden vectors' updates; of hidden vectors
  float* scores;                 // the output's factors; the input's: the pooling's derivative
  const float* forward;          // [blocks, hidden, inputs]: the pooling
  const float *target, *weight;  // [blocks, stride], [blocks, hidden, stride]
  float rate;
  int64_t count(const Side& side) const { return hidden * side.own + side.shared; }
  auto rows(const Side& side, int64_t block) const {  // of the table: those of a block
    return [table = side.table, ids = side.ids + block * count(side), all = columns](int64_t i) {
      return table + ids[i] * all;
    };
  }
  void ask(const Side& side, int64_t block, int64_t begin, int64_t end) const {
    const auto row = rows(side, block);
    for (int64_t i = 0, n = count(side); i < n; ++i)
      for (int64_t k = begin; k < end; k += 16) __builtin_prefetch(row(i) + k);
  }
};

// Makes the rows and factors of one block's updates; false if an update may not be finite.
bool make(const Job& s, int64_t block) {
  const int64_t columns = s.columns, stride = s.output.stride, own = s.output.own;
  const int64_t inputs = s.input.shared;
  const float *weight = s.weight + block * s.hidden * stride, *target = s.target + block * stride;
  float *hidden = s.output.rows + block * s.hidden * columns;
  float *to_hidden = s.input.rows + block * s.hidden * columns;
  float *scores = s.scores + block * s.hidden * stride;
  const auto input = s.rows(s.input, block);
  const auto output = s.rows(s.output, block);
  auto shared = [&](int64_t j) { return output(s.hidden * own + std::min(j, s.output.shared - 1)); };
  auto into = [&](float* rows) {
    return [=](int64_t i, int64_t k, Lanes sum) { store(rows + i * columns + k, sum); };
  };
  multiply({s.forward + block * s.hidden * inputs, s.hidden, inputs, inputs, 1}, input, 0, columns,
           into(hidden));
  auto all = [&](int64_t i) {  // the weights of a row of a tile
    const float* w = weight + i;
    return std::fabs(w[0]) + std::fabs(w[1]) + std::fabs(w[2]) + std::fabs(w[3]);
  };
  std::fill_n(scores, s.hidden * stride, 0.0f);
  for (int64_t j = 0; j < s.output.shared; j += 4) {
    const float* others[] = {shared(j), shared(j + 1), shared(j + 2), shared(j + 3)};
    for (int64_t t = 0; t < s.hidden; t += 2) {
      const int64_t one = t * stride + own + j, two = t + 1 < s.hidden ? one + stride : one;
      if (all(one) + all(two) != 0)
        score(hidden + t * columns, hidden + std::min(t + 1, s.hidden - 1) * columns, others,
              columns, scores + one, scores + two);
    }
  }
  for (int64_t t = 0; t < s.hidden; ++t) {
    for (int64_t i = 0; i < own; ++i)
      scores[t * stride + i] = dot(hidden + t * columns, output(t * own + i), columns);
    for (int64_t j = 0; j < stride; j += kLanes) {  // of weight softplus(-target score), by score
      const Lanes sign = load(target + j), factor = s.rate * load(weight + t * stride + j) * sign;
      Lanes score = load(scores + t * stride + j);
      store(scores + t * stride + j, factor / (1.0f + exponential(sign * score)));
    }
  }
  multiply({scores + own, s.hidden, stride, s.output.shared, 1}, shared, 0, columns,
           into(to_hidden));
  for (int64_t i = 0; i < s.hidden * own; ++i)
    add(scores[i / own * stride + i % own], output(i), 0, columns, to_hidden + i / own * columns);
  auto square = [](const float* values, int64_t count) { return dot(values, values, count); };
  return std::isfinite(square(to_hidden, s.hidden * columns)) &&  // and Cauchy-Schwarz:
         std::isfinite(square(scores, s.hidden * stride) * square(hidden, s.hidden * columns));
}

// Adds one block's updates, floats begin..end, to the rows that `to` gives, in their order.
template <typename To>
void add_updates(const Job& s, const Side& side, int64_t block, int64_t begin, int64_t end,
                 To to) {
  const float* rows = side.rows + block * s.hidden * s.columns;
  const float* factors = side.factors + block * s.hidden * side.stride;
  const int64_t alone = s.hidden * side.own;
  for (int64_t i = 0; i < alone; ++i)
    add(factors[i / side.own * side.stride + i % side.own], rows + i / side.own * s.columns, begin,
        end, to(i));
  multiply({factors + side.own, side.shared, 1, s.hidden, side.stride},
           [&](int64_t t) { return rows + t * s.columns; }, begin, end,
           [&](int64_t i, int64_t k, Lanes sum) {
             float* row = to(alone + i);
             store(row + k, load(row + k) + sum);
           });
}

// Adds a step's updates to a table, each row's sum of them shortened to the norm `cap`.
void scatter_capped(const Job& s, const Side& side, float cap) {
  const int64_t count = s.count(side), all = s.blocks * count;
  std::vector<float> updates(all * s.columns);
  for (int64_t i = all; i-- > 0;) side.place[side.ids[i]] = static_cast<int32_t>(i);
  auto sum = [&](int64_t i) { return updates.data() + side.place[side.ids[i]] * s.columns; };
  for (int64_t block = 0; block < s.blocks; ++block)
    add_updates(s, side, block, 0, s.columns, [&](int64_t i) { return sum(block * count + i); });
  for (int64_t i = 0; i < all; ++i) {
    if (side.place[side.ids[i]] != i) continue;
    const float norm = std::sqrt(dot(sum(i), sum(i), s.columns));
    add(std::min(1.0f, cap / std::max(norm, 1e-30f)), sum(i), 0, s.columns, s.rows(side, 0)(i));
  }
}

// Runs tasks 0..count-1 on the pool's threads and on this one. No thread is waited for that has not
// begun, so that it ends even where every thread of the pool waits in it.
template <typename Task>
void in_parallel(ffi::ThreadPool& pool, int64_t count, Task task) {
  struct Progress {
    std::atomic<int64_t> next{0}, done{0};
  };
  auto all = std::make_shared<Progress>();
  auto run = [=] {
    for (int64_t i; (i = all->next++) < count; ++all->done) task(i);
  };
  for (int64_t i = 1; i < std::min(pool.num_threads(), count); ++i)
    pool.Schedule([run] { run(); });
  run();
  while (all->done < count) std::this_thread::yield();
}

using Floats = ffi::Buffer<ffi::F32>;
using Ids = ffi::Buffer<ffi::S32>;

ffi::Error step(ffi::ThreadPool pool, float cap, int64_t own, Floats, Floats, Ids, Ids, Ids read,
                Ids scored, Floats target, Floats weight, Floats forward, Floats backward,
                Floats rate, ffi::Result<Floats> input, ffi::Result<Floats> output,
                ffi::Result<Ids> input_place, ffi::Result<Ids> output_place,
                ffi::Result<ffi::Buffer<ffi::PRED>> finite) {
  const auto shape = weight.dimensions();  // tables and places are changed where they lie
  const int64_t blocks = shape[0], hidden = shape[1], stride = shape[2];
  const int64_t inputs = read.dimensions()[1], columns = input->dimensions()[1];
  static thread_local std::vector<float> kept[3];  // from step to step
  for (int i = 0; i < 3; ++i) kept[i].resize(blocks * hidden * (i < 2 ? columns : stride));
  const Job s{
      blocks, hidden, columns,
      {input->typed_data(), 0, inputs, read.typed_data(), kept[0].data(), backward.typed_data(),
       inputs, input_place->typed_data()},
      {output->typed_data(), own, scored.dimensions()[1] - hidden * own, scored.typed_data(),
       kept[1].data(), kept[2].data(), stride, output_place->typed_data()},
      kept[2].data(), forward.typed_data(), target.typed_data(), weight.typed_data(),
      *rate.typed_data()};
  std::atomic<bool> good{true};
  const int64_t run = parts(blocks, 4 * pool.num_threads());  // blocks in a row, by one thread
  in_parallel(pool, parts(blocks, run), [&](int64_t task) {
    const int64_t end = std::min((task + 1) * run, blocks);
    for (int64_t block = task * run; block < end; ++block) {
      for (auto* side : {&s.input, &s.output})
        if (block + 1 < end) s.ask(*side, block + 1, 0, columns);
      if (!make(s, block)) good = false;
    }
  });
  *finite->typed_data() = good;
  if (!good) return ffi::Error::Success();
  if (std::isfinite(cap)) {
    in_parallel(pool, 2, [&](int64_t i) { scatter_capped(s, i ? s.input : s.output, cap); });
    return ffi::Error::Success();
  }
  const int64_t part = parts(parts(columns, pool.num_threads()), 2 * kLanes) * 2 * kLanes;
  in_parallel(pool, 2 * parts(columns, part), [&](int64_t task) {
    const Side& side = task % 2 ? s.input : s.output;
    const int64_t begin = task / 2 * part, end = std::min(begin + part, columns);
    for (int64_t block = 0; block < blocks; ++block) {
      if (block + 1 < blocks) s.ask(side, block + 1, begin, end);
      add_updates(s, side, block, begin, end, s.rows(side, block));
    }
  });
  return ffi::Error::Success();
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(
    Step, step,
    ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Attr<float>("cap").Attr<int64_t>("own")
        .Arg<Floats>().Arg<Floats>().Arg<Ids>().Arg<Ids>().Arg<Ids>().Arg<Ids>()
        .Arg<Floats>().Arg<Floats>().Arg<Floats>().Arg<Floats>().Arg<Floats>()
        .Ret<Floats>().Ret<Floats>().Ret<Ids>().Ret<Ids>().Ret<ffi::Buffer<ffi::PRED>>());
