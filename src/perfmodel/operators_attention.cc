#include <algorithm>
#include <cmath>
#include <functional>

#include "perfmodel/grid_lookup.h"
#include "perfmodel/operators.h"

namespace kneepoint::perfmodel {
namespace {

constexpr double kReachedBandwidth = 0.93;
// Added to both sides of a ratio of rooflines, so that a launch is not scaled with the work.
constexpr double kAttentionFloor = 3e3;
constexpr double kLatentFloor = 20e3;

double kv_bytes(Dtype kv) { return kv == Dtype::Bf16 ? 2 : 1; }

double decode_traffic(const DeviceRates& rates, const AttentionShape& of, double batch,
                      double context) {
  return batch * context * 2 * of.kv_heads * of.head_dim * kv_bytes(of.kv) / rates.bandwidth;
}

double decode_roofline(const DeviceRates& rates, const AttentionShape& of, double batch,
                       double context) {
  return std::max(decode_traffic(rates, of, batch, context),
                  4 * batch * context * of.heads * of.head_dim / rates.bf16);
}

AttentionShape shape_of(const Grid& grid) {
  const auto& n = grid.numbers;  // head_dim, window, heads, kv_heads
  const auto number = [&](std::size_t i) { return std::max(1.0, static_cast<double>(n[i])); };
  return {number(2), number(3), number(0), static_cast<double>(n[1]), grid.kv};
}

/// The table of the shape, or of the one most like it. A window without a table of its own is read
/// from the full table.
const Grid* pick(std::span<const Grid> grids, const AttentionShape& wanted) {
  const Grid* best = nullptr;
  double least = 0;
  for (const Grid& grid : grids) {
    const AttentionShape theirs = shape_of(grid);
    double d = 4 * square_of_log(theirs.kv_heads, wanted.kv_heads) +
               square_of_log(theirs.heads, wanted.heads);
    if (theirs.head_dim != wanted.head_dim)
      d += 1e3 + 1e3 * square_of_log(theirs.head_dim, wanted.head_dim);
    if (theirs.kv != wanted.kv) d += 1e2;
    if (theirs.window != wanted.window) d += theirs.window > 0 ? 1e9 : 10;
    if (best == nullptr || d < least) {
      best = &grid;
      least = d;
    }
  }
  return best;
}

void never_falling(ContextSurface& surface) {
  for (auto& row : surface) perfmodel::never_falling(row);
  for (std::size_t b = surface.size() - 1; b-- > 0;)
    for (std::size_t c = 0; c < surface[b].size(); ++c)
      surface[b][c] = std::min(surface[b][c], surface[b + 1][c]);
}

/// Geometric mean, one after another.
template <class Values>
class Mean {
 public:
  void add(const std::function<double(std::size_t)>& value) {
    for (std::size_t i = 0; i < logs_.size(); ++i) logs_[i] += std::log(value(i));
    ++count_;
  }
  bool empty() const { return count_ == 0; }
  Values values() const {
    Values out{};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::exp(logs_[i] / count_);
    return out;
  }

 private:
  Values logs_{};
  int count_ = 0;
};

constexpr std::size_t kContexts = ContextGrid::kPoints;
using FlatSurface = std::array<double, BatchGrid::kPoints * kContexts>;
double batch_at(std::size_t i) { return BatchGrid::point(i / kContexts); }
double context_at(std::size_t i) { return ContextGrid::point(i % kContexts); }

ContextSurface folded(const FlatSurface& flat) {
  ContextSurface out{};
  for (std::size_t i = 0; i < flat.size(); ++i) out[i / kContexts][i % kContexts] = flat[i];
  never_falling(out);
  return out;
}

/// One layer of MLA: weights, and what its attention does per (query, token seen).
struct LatentCost {
  const LatentAttentionShape& of;

  double weights() const {
    const double queries = of.q_lora > 0
                               ? of.hidden * of.q_lora + of.q_lora * of.heads * (of.nope + of.rope)
                               : of.hidden * of.heads * (of.nope + of.rope);
    return queries + of.hidden * (of.kv_lora + of.rope) +
           of.kv_lora * of.heads * (of.nope + of.v_head) + of.heads * of.v_head * of.hidden;
  }
  double projections(const DeviceRates& rates, double tokens) const {
    return std::max(weights() * bytes_per_weight(of.type) / rates.bandwidth,
                    2 * weights() * tokens / rates.compute(of.type));
  }
  double seen(double context) const {
    return of.attended_tokens > 0 ? std::min(context, of.attended_tokens) : context;
  }
  double decode(const DeviceRates& rates, double batch, double context) const {
    const double pairs = batch * seen(context);
    const double width = of.kv_lora + of.rope;
    return projections(rates, batch) +
           std::max(pairs * width * kv_bytes(of.kv) / rates.bandwidth,
                    2 * pairs * of.heads * (width + of.kv_lora) / rates.bf16);
  }
  double prefill(const DeviceRates& rates, double tokens) const {
    double per_token = tokens * (of.nope + of.rope + of.v_head);  // half of the pairs, twice each
    // Where an index picks what is seen, the latent itself is multiplied: wider, but never more of
    // it.
    if (of.attended_tokens > 0 && tokens > of.attended_tokens)
      per_token = std::min(per_token, 2 * of.attended_tokens * (2 * of.kv_lora + of.rope));
    return projections(rates, tokens) + tokens * per_token * of.heads / rates.bf16;
  }
};

/// The decode module was timed in a captured graph on B200 only, where 16 heads take 40 us. Its
/// twin in GB200 needs 80, as do B300 and all before: the difference are launches, which a server's
/// graph does not pay.
bool timed_in_graph(const System& system) {
  return std::ranges::any_of(system.of(OperatorKind::MlaDecode),
                             [](const Grid& grid) { return nanos_of(grid.values.front()) < 60e3; });
}
double in_graph(bool timed_so, double nanos) {
  return timed_so ? nanos : std::max(nanos - 50e3, 0.4 * nanos);
}

const Grid* pick(std::span<const Grid> grids, const LatentAttentionShape& wanted) {
  const Dtype type = wanted.type == Dtype::Fp8 ? Dtype::Fp8Block : wanted.type;
  const Grid* best = nullptr;
  double least = 0;
  for (const Grid& grid : grids) {
    const double d = (grid.type == type          ? 0
                      : grid.type == Dtype::Bf16 ? 1e3
                                                 : 1e4) +
                     (grid.kv == wanted.kv ? 0 : 1e2) +
                     square_of_log(std::max(grid.numbers[0], 1), wanted.heads);
    if (best == nullptr || d < least) {
      best = &grid;
      least = d;
    }
  }
  return best;
}

/// What the module tables were taken on: DeepSeek-V3's block.
LatentAttentionShape measured_shape(const Grid& grid) {
  LatentAttentionShape of;
  of.hidden = 7168;
  of.heads = std::max(grid.numbers[0], 1);
  of.q_lora = 1536;
  of.kv_lora = 512;
  of.type = grid.type;
  of.kv = grid.kv;
  return of;
}

}  // namespace

ContextSurface Operators::decode_attention(const AttentionShape& shape) const {
  const auto seen = [&](double context) {
    return shape.window > 0 ? std::min(context, shape.window) : context;
  };
  Mean<FlatSurface> mean;
  for (const Relative& relative : relatives_with(OperatorKind::Decode)) {
    const Grid* grid = pick(relative.system->of(OperatorKind::Decode), shape);
    if (grid == nullptr) continue;
    const AttentionShape theirs = shape_of(*grid);
    const auto seen_there = [&](double context) {
      return theirs.window > 0 ? std::min(context, theirs.window) : context;
    };
    mean.add([&](std::size_t i) {
      const double asked = theirs.window > 0 ? context_at(i) : seen(context_at(i));
      const AxisPlace c = place_on(grid->axes[1], asked);
      const double here = decode_roofline(rates_, shape, batch_at(i), seen(context_at(i)));
      // On another system: as many sequences as take as long there.
      const double batch =
          own_ ? batch_at(i) : here / decode_roofline(relative.rates, theirs, 1, seen_there(c.at));
      const AxisPlace b = place_on(grid->axes[0], batch);
      const double there = decode_roofline(relative.rates, theirs, b.at, seen_there(c.at));
      if (!own_) return nanos_of(level_on(*grid, b, c)) * std::max(1.0, here / there);
      return nanos_of(level_on(*grid, b, c)) * (here + kAttentionFloor) / (there + kAttentionFloor);
    });
  }
  FlatSurface flat = mean.empty() ? FlatSurface{} : mean.values();
  for (std::size_t i = 0; i < flat.size(); ++i) {
    const double context = seen(context_at(i));
    if (mean.empty()) flat[i] = 5e3 + decode_roofline(rates_, shape, batch_at(i), context) / 0.7;
    flat[i] =
        std::max(flat[i], decode_traffic(rates_, shape, batch_at(i), context) / kReachedBandwidth);
  }
  return folded(flat);
}

TokenCurve Operators::prefill_attention(const AttentionShape& shape) const {
  const auto roofline = [](const DeviceRates& rates, const AttentionShape& of, double tokens) {
    const double pairs = of.window > 0 ? tokens * std::min(tokens, 2 * of.window) : tokens * tokens;
    return 2 * pairs * of.heads * of.head_dim / rates.bf16 +
           2 * tokens * (of.heads + of.kv_heads) * of.head_dim * 2 / rates.bandwidth;
  };
  AttentionShape wanted = shape;
  Mean<TokenCurve> mean;
  for (const Relative& relative : relatives_with(OperatorKind::Prefill)) {
    const double wider = relative.rates.bf16 / rates_.bf16;
    wanted.heads = std::max(1.0, shape.heads * wider);
    wanted.kv_heads = std::max(1.0, shape.kv_heads * wider);
    const Grid* grid = pick(relative.system->of(OperatorKind::Prefill), wanted);
    if (grid == nullptr) continue;
    AttentionShape theirs = shape_of(*grid);
    // A full table stands for a window as far as that reaches; beyond, each token costs the same.
    const bool cut = shape.window > 0 && theirs.window == 0;
    mean.add([&](std::size_t i) {
      const double tokens = TokenGrid::point(i);
      const AxisPlace at =
          place_on(grid->axes[0], cut ? std::min(tokens, 2 * shape.window) : tokens);
      return nanos_of(level_on(grid->values, at)) *
             (roofline(rates_, shape, tokens) + kAttentionFloor) /
             (roofline(relative.rates, theirs, at.at) + kAttentionFloor);
    });
  }
  TokenCurve out = mean.empty() ? TokenCurve{} : mean.values();
  if (mean.empty())
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = 5e3 + roofline(rates_, shape, TokenGrid::point(i)) / 0.5;
  perfmodel::never_falling(out);
  return out;
}

ContextSurface Operators::latent_decode(const LatentAttentionShape& shape) const {
  const LatentCost cost{shape};
  Mean<FlatSurface> mean;
  for (const Relative& relative : relatives_with(OperatorKind::MlaDecode)) {
    const Grid* grid = pick(relative.system->of(OperatorKind::MlaDecode), shape);
    if (grid == nullptr) continue;
    const LatentAttentionShape measured = measured_shape(*grid);
    const LatentCost theirs{measured};
    const bool graph = timed_in_graph(*relative.system);
    mean.add([&](std::size_t i) {
      const AxisPlace b = place_on(grid->axes[0], batch_at(i));
      const AxisPlace c = place_on(grid->axes[1], cost.seen(context_at(i)));
      return in_graph(graph, nanos_of(level_on(*grid, b, c))) *
             (cost.decode(rates_, batch_at(i), context_at(i)) + kLatentFloor) /
             (theirs.decode(relative.rates, b.at, c.at) + kLatentFloor);
    });
  }
  FlatSurface flat = mean.empty() ? FlatSurface{} : mean.values();
  if (mean.empty())
    for (std::size_t i = 0; i < flat.size(); ++i)
      flat[i] = kLatentFloor + cost.decode(rates_, batch_at(i), context_at(i)) / 0.6;
  return folded(flat);
}

TokenCurve Operators::latent_prefill(const LatentAttentionShape& shape) const {
  const LatentCost cost{shape};
  Mean<TokenCurve> mean;
  for (const Relative& relative : relatives_with(OperatorKind::MlaPrefill)) {
    const Grid* grid = pick(relative.system->of(OperatorKind::MlaPrefill), shape);
    if (grid == nullptr) continue;
    const LatentAttentionShape measured = measured_shape(*grid);
    const LatentCost theirs{measured};
    mean.add([&](std::size_t i) {
      const double tokens = TokenGrid::point(i);
      const AxisPlace at = place_on(grid->axes[0], tokens);
      return nanos_of(level_on(grid->values, at)) * (cost.prefill(rates_, tokens) + kLatentFloor) /
             (theirs.prefill(relative.rates, at.at) + kLatentFloor);
    });
  }
  TokenCurve out = mean.empty() ? TokenCurve{} : mean.values();
  if (mean.empty())
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = kLatentFloor + cost.prefill(rates_, TokenGrid::point(i)) / 0.5;
  perfmodel::never_falling(out);
  return out;
}

}  // namespace kneepoint::perfmodel
