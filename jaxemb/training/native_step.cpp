// One step of training in one pass: rows are read, scored, differentiated, and changed.
//
// Every block's updates are computed from the tables as they were; then all are added, each row's
// in the order of the blocks, so that the bits of a step depend on no number of threads.
// native_step.py says what the arguments are.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
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
int64_t up(int64_t size, int64_t multiple) { return (size + multiple - 1) / multiple * multiple; }

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

// The scores of two rows with four others; a row is `width` floats, in whole lanes.
void score(const float* left, const float* right, int64_t width, float* scores, int64_t row) {
  Lanes all[2][4] = {};
  for (int64_t k = 0; k < width; k += kLanes) {
    Lanes one = load(left + k), two = load(left + width + k);
    for (int j = 0; j < 4; ++j) {
      Lanes other = load(right + j * width + k);
      all[0][j] += one * other;
      all[1][j] += two * other;
    }
  }
  for (int i = 0; i < 2; ++i)
    *reinterpret_cast<Quad*>(scores + i * row) = sums(all[i][0], all[i][1], all[i][2], all[i][3]);
}

float score_one(const float* left, const float* right, int64_t width) {
  Lanes all = {};
  for (int64_t k = 0; k < width; k += kLanes) all += load(left + k) * load(right + k);
  return sums(all, all, all, all)[0];
}

// results[i] += sum_j factors[i * by_row + j * by_term] * rows[j], for four results.
void combine(const float* factors, int64_t by_row, int64_t by_term, const float* rows,
             int64_t terms, int64_t width, float* results) {
  for (int64_t k = 0; k < width; k += 2 * kLanes) {
    Lanes all[4][2] = {};
    for (int64_t j = 0; j < terms; ++j) {
      Lanes one = load(rows + j * width + k), two = load(rows + j * width + k + kLanes);
      for (int i = 0; i < 4; ++i) {
        Lanes factor = Lanes{} + factors[i * by_row + j * by_term];
        all[i][0] += factor * one;
        all[i][1] += factor * two;
      }
    }
    for (int i = 0; i < 4; ++i)
      for (int c = 0; c < 2; ++c) {
        float* to = results + i * width + k + c * kLanes;
        store(to, load(to) + all[i][c]);
      }
  }
}

void add(float factor, const float* row, int64_t width, float* result) {
  for (int64_t k = 0; k < width; k += kLanes)
    store(result + k, load(result + k) + factor * load(row + k));
}

struct Sizes {
  int64_t blocks, inputs, hidden, own, shared, columns;  // `own` outputs of each hidden vector
  int64_t outputs() const { return hidden * own + shared; }
  int64_t weights() const { return own + shared; }
  int64_t width() const { return up(columns, 2 * kLanes); }
  int64_t row() const { return up(own + up(shared, 4), kLanes); }  // of scores, in whole tiles
};

struct Arguments {
  const float *input, *output;      // tables, as they were before the step
  const int32_t *read, *scored;     // [blocks, inputs], [blocks, outputs]
  const float *target, *weight;     // [blocks, own + shared], [blocks, hidden, own + shared]
  const float *forward, *backward;  // [blocks, hidden, inputs]: pooling, and its derivative
  float rate;
};

// The memory of one thread, in whole lanes and tiles, which stay 0 beyond rows and columns.
struct Room {
  std::vector<float> inputs, hidden, outputs, scores, to_inputs, to_hidden, to_outputs;
  explicit Room(const Sizes& s)
      : inputs(s.inputs * s.width()), hidden(up(s.hidden, 4) * s.width()),
        outputs((s.hidden * s.own + up(s.shared, 4)) * s.width()),
        scores(up(s.hidden, 4) * s.row()), to_inputs(inputs.size()), to_hidden(hidden.size()),
        to_outputs(outputs.size()) {}
};

// Copies rows into a room, and asks for those of the next block.
void gather(const float* table, const int32_t* ids, int64_t count, const Sizes& s, bool more,
            float* rows) {
  for (int64_t i = 0; i < count; ++i)
    std::copy_n(table + int64_t{ids[i]} * s.columns, s.columns, rows + i * s.width());
  for (int64_t i = count; more && i < 2 * count; ++i)
    for (int64_t k = 0; k < s.columns; k += 16)
      __builtin_prefetch(table + int64_t{ids[i]} * s.columns + k);
}

// Replaces scores by -rate times the derivative of weight softplus(-target score).
void differentiate(const float* target, const float* weight, float rate, int64_t count,
                   float* scores) {
  for (int64_t j = 0; j < count; j += kLanes) {
    Lanes sign = {}, scale = {};
    for (int64_t i = 0; i < std::min<int64_t>(kLanes, count - j); ++i) {
      sign[i] = target[j + i];
      scale[i] = rate * weight[j + i];
    }
    store(scores + j, scale * sign / (1.0f + exponential(sign * load(scores + j))));
  }
}

// Writes the updates of one block's input rows and output rows; false if one is not finite.
bool block_updates(const Arguments& a, const Sizes& s, int64_t block, Room& room, float* to_input,
                   float* to_output) {
  const int64_t width = s.width(), row = s.row(), more = block + 1 < s.blocks;
  const float *weight = a.weight + block * s.hidden * s.weights();
  const float *target = a.target + block * s.weights();
  float *inputs = room.inputs.data(), *hidden = room.hidden.data(), *scores = room.scores.data();
  float *outputs = room.outputs.data(), *shared = outputs + s.hidden * s.own * width;
  float *to_hidden = room.to_hidden.data(), *to_outputs = room.to_outputs.data();
  for (auto* sum : {&room.hidden, &room.scores, &room.to_inputs, &room.to_hidden, &room.to_outputs})
    std::fill(sum->begin(), sum->end(), 0.0f);
  gather(a.input, a.read + block * s.inputs, s.inputs, s, more, inputs);
  gather(a.output, a.scored + block * s.outputs(), s.outputs(), s, more, outputs);

  auto pool = [&](const float* all_factors, auto&& one) {  // one(factor, t, j) where it is not 0
    const float* factors = all_factors + block * s.hidden * s.inputs;
    for (int64_t t = 0; t < s.hidden; ++t)
      for (int64_t j = 0; j < s.inputs; ++j)
        if (float factor = factors[t * s.inputs + j]; factor != 0) one(factor, t * width, j * width);
  };
  pool(a.forward, [&](float factor, int64_t t, int64_t j) {
    add(factor, inputs + j, width, hidden + t);
  });
  auto meet = [&](int64_t t, int64_t j) {  // whether a tile of scores has any weight
    for (int64_t i = t; i < std::min(t + 2, s.hidden); ++i)
      for (int64_t k = s.own + j; k < std::min(s.own + j + 4, s.weights()); ++k)
        if (weight[i * s.weights() + k] != 0) return true;
    return false;
  };
  for (int64_t t = 0; t < s.hidden; t += 2)
    for (int64_t j = 0; j < s.shared; j += 4)
      if (meet(t, j))
        score(hidden + t * width, shared + j * width, width, scores + t * row + s.own + j, row);
  for (int64_t t = 0; t < s.hidden; ++t) {
    for (int64_t i = 0; i < s.own; ++i)
      scores[t * row + i] =
          score_one(hidden + t * width, outputs + (t * s.own + i) * width, width);
    differentiate(target, weight + t * s.weights(), a.rate, s.weights(), scores + t * row);
  }
  for (int64_t t = 0; t < s.hidden; t += 4)
    combine(scores + t * row + s.own, row, 1, shared, s.shared, width, to_hidden + t * width);
  for (int64_t j = 0; j < s.shared; j += 4)
    combine(scores + s.own + j, 1, row, hidden, s.hidden, width,
            to_outputs + (s.hidden * s.own + j) * width);
  for (int64_t t = 0; t < s.hidden; ++t)
    for (int64_t i = 0; i < s.own; ++i) {
      const int64_t at = (t * s.own + i) * width;
      add(scores[t * row + i], outputs + at, width, to_hidden + t * width);
      add(scores[t * row + i], hidden + t * width, width, to_outputs + at);
    }
  pool(a.backward, [&](float factor, int64_t t, int64_t j) {
    add(factor, to_hidden + t, width, room.to_inputs.data() + j);
  });

  Lanes odd = {};  // 0 if all is finite, else NaN
  auto write = [&](const float* rows, int64_t count, float* to) {
    for (int64_t i = 0; i < count * width; i += kLanes) odd += 0.0f * load(rows + i);
    for (int64_t i = 0; i < count; ++i) std::copy_n(rows + i * width, s.columns, to + i * s.columns);
  };
  write(room.to_inputs.data(), s.inputs, to_input + block * s.inputs * s.columns);
  write(to_outputs, s.outputs(), to_output + block * s.outputs() * s.columns);
  return sums(odd, odd, odd, odd)[0] == 0;
}

// Runs tasks 0..count-1 on the pool's threads and on this one. It waits for no task that has not
// begun, so that it ends even where every thread of the pool waits in it.
void in_parallel(ffi::ThreadPool& pool, int64_t count, std::function<void(int64_t)> task) {
  struct Work {
    std::function<void(int64_t)> task;
    int64_t count;
    std::atomic<int64_t> next{0}, done{0};
    void run() {
      for (int64_t i; (i = next++) < count; ++done) task(i);
    }
  };
  auto work = std::make_shared<Work>();
  work->task = std::move(task);
  work->count = count;
  for (int64_t i = 1; i < std::min(pool.num_threads(), count); ++i)
    pool.Schedule([work] { work->run(); });
  work->run();
  while (work->done < count) std::this_thread::yield();
}

struct Side {  // of a step: one table, and its updates
  float* table;
  const int32_t* ids;
  float* updates;
  int64_t count, columns;
  int32_t* place;  // [rows of the table]: scratch
};

// Adds the updates to columns begin..end of the table.
void scatter(const Side& s, int64_t begin, int64_t end) {
  for (int64_t i = 0; i < s.count; ++i) {
    float* to = s.table + int64_t{s.ids[i]} * s.columns;
    for (int64_t k = begin; i + 8 < s.count && k < end; k += 16)
      __builtin_prefetch(s.table + int64_t{s.ids[i + 8]} * s.columns + k, 1);
    for (int64_t k = begin; k < end; ++k) to[k] += s.updates[i * s.columns + k];
  }
}

// Adds the updates to the table, each row's sum shortened to the norm `cap`.
void scatter_capped(const Side& s, float cap) {
  for (int64_t i = s.count; i-- > 0;) s.place[s.ids[i]] = static_cast<int32_t>(i);
  auto first = [&](int64_t i) { return s.updates + s.place[s.ids[i]] * s.columns; };
  for (int64_t i = 0; i < s.count; ++i)
    for (int64_t k = 0; s.place[s.ids[i]] != i && k < s.columns; ++k)
      first(i)[k] += s.updates[i * s.columns + k];
  for (int64_t i = 0; i < s.count; ++i) {
    if (s.place[s.ids[i]] != i) continue;
    float *to = s.table + int64_t{s.ids[i]} * s.columns, squares = 0;
    for (int64_t k = 0; k < s.columns; ++k) squares += first(i)[k] * first(i)[k];
    const float factor = std::min(1.0f, cap / std::max(std::sqrt(squares), 1e-30f));
    for (int64_t k = 0; k < s.columns; ++k) to[k] += factor * first(i)[k];
  }
}

using Floats = ffi::Buffer<ffi::F32>;
using Ids = ffi::Buffer<ffi::S32>;

ffi::Error step(ffi::ThreadPool pool, float cap, int64_t own, Floats, Floats, Ids, Ids, Ids read,
                Ids scored, Floats target, Floats weight, Floats forward, Floats backward,
                Floats rate, ffi::Result<Floats> input, ffi::Result<Floats> output,
                ffi::Result<Ids> input_place, ffi::Result<Ids> output_place,
                ffi::Result<ffi::Buffer<ffi::PRED>> finite) {
  const auto shape = weight.dimensions();  // tables and places are changed where they lie
  const Sizes s{shape[0], read.dimensions()[1], shape[1],
                own,      shape[2] - own,       input->dimensions()[1]};
  const Arguments a{input->typed_data(),  output->typed_data(), read.typed_data(),
                    scored.typed_data(),  target.typed_data(),  weight.typed_data(),
                    forward.typed_data(), backward.typed_data(), *rate.typed_data()};
  static thread_local std::vector<float> of_input, of_output;  // kept from step to step
  of_input.resize(s.blocks * s.inputs * s.columns);
  of_output.resize(s.blocks * s.outputs() * s.columns);
  const Side sides[] = {{output->typed_data(), a.scored, of_output.data(), s.blocks * s.outputs(),
                         s.columns, output_place->typed_data()},
                        {input->typed_data(), a.read, of_input.data(), s.blocks * s.inputs,
                         s.columns, input_place->typed_data()}};
  std::atomic<bool> good{true};
  in_parallel(pool, s.blocks, [&](int64_t block) {
    static thread_local std::unique_ptr<Room> room;
    static thread_local Sizes of{};
    if (!room || std::memcmp(&of, &s, sizeof s)) room = std::make_unique<Room>(of = s);
    if (!block_updates(a, s, block, *room, sides[1].updates, sides[0].updates)) good = false;
  });
  *finite->typed_data() = good;
  if (!good) return ffi::Error::Success();
  if (std::isfinite(cap)) {
    in_parallel(pool, 2, [&](int64_t side) { scatter_capped(sides[side], cap); });
    return ffi::Error::Success();
  }
  const int64_t part = up((s.columns + 3) / 4, 16);
  in_parallel(pool, 8, [&](int64_t task) {
    const int64_t begin = std::min(task / 2 * part, s.columns);
    scatter(sides[task % 2], begin, std::min(begin + part, s.columns));
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
