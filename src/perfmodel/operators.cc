#include "perfmodel/operators.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "perfmodel/grid_lookup.h"

namespace kneepoint::perfmodel {
namespace {

// Of the nominal bandwidth, what a kernel that only reads reaches.
constexpr double kReachedBandwidth = 0.93;
// Without any table: the share of the roofline that kernels commonly reach, and a launch.
constexpr double kCommonEfficiency = 0.7;
constexpr double kLaunchNanos = 3e3;
constexpr std::string_view kDataCentre[] = {"a100", "h200", "b200"};

DeviceRates rates_of(const System& system) {
  DeviceRates rates;
  rates.bandwidth = system.bandwidth_gbs;
  rates.bf16 = system.bf16_tflops * 1e3;
  rates.fp8 = system.fp8_tflops * 1e3;
  rates.fp4 = system.fp4_tflops * 1e3;
  rates.link = system.link_gbs;
  return rates;
}

Result<DeviceRates> rates_of(const catalog::Accelerator& accelerator,
                             std::vector<std::string>& notes) {
  const auto missing = [&](std::string_view what, std::string_view column) {
    return fail(ErrorCode::Unsatisfiable,
                fmt::format("the {} of {} is not known, so no step time can be computed; state it "
                            "as {} in an accelerators.csv of your own (--catalog)",
                            what, accelerator.id, column));
  };
  DeviceRates rates;
  if (accelerator.mem_bw_gbs.value_or(0) <= 0) return missing("memory bandwidth", "mem_bw_gbs");
  if (accelerator.bf16_tflops.value_or(0) <= 0) return missing("compute rate", "bf16_tflops_dense");
  rates.bandwidth = accelerator.mem_bw_gbs.value_or(0);
  rates.bf16 = accelerator.bf16_tflops.value_or(0) * 1e3;
  rates.fp8 = accelerator.fp8_tflops.value_or(0) * 1e3;
  rates.fp4 = accelerator.fp4_tflops.value_or(0) * 1e3;
  // 25 GB/s is what is left of a PCIe 4 slot: the least that accelerators are joined by.
  rates.link = accelerator.link_gbs_oneway.value_or(0);
  if (rates.link <= 0) {
    rates.link = 25;
    if (accelerator.max_per_host.value_or(8) > 1)
      notes.push_back(fmt::format("the link between accelerators of {} is not known: 25 GB/s taken",
                                  accelerator.id));
  }
  rates.per_host = std::max(1, accelerator.max_per_host.value_or(8));
  if (accelerator.interconnect.find("rack") != std::string::npos) rates.per_host = 72;
  if (accelerator.kind == "tpu") rates.per_host = 256;  // a pod is one mesh
  return rates;
}

double distance(const DeviceRates& a, const DeviceRates& b) {
  return square_of_log(a.bandwidth, b.bandwidth) + square_of_log(a.bf16, b.bf16);
}

/// The systems whose kernels are most like this accelerator's, best first.
std::vector<const System*> kin_of(const OperatorTables& tables,
                                  const catalog::Accelerator& accelerator,
                                  const DeviceRates& rates) {
  std::vector<const System*> kin;
  const auto capability = parse_number(accelerator.compute_capability);
  if (accelerator.vendor == "nvidia" && capability) {
    const auto strangeness = [&](const System& system) {
      return std::pair(std::abs(*system.capability - *capability),
                       distance(rates_of(system), rates));
    };
    for (const System& system : tables.systems()) {
      if (!system.capability) continue;
      if (kin.empty()) {
        kin.push_back(&system);
      } else if (strangeness(system) < strangeness(*kin.front())) {
        kin.front() = &system;
      }
    }
    return kin;
  }
  if (accelerator.vendor == "intel")
    for (const System& system : tables.systems())
      if (!system.capability) kin.push_back(&system);
  if (!kin.empty()) return kin;
  // By compute alone: a template that changed with the bandwidth could make more of it slower.
  double nearest = 0;
  for (const std::string_view name : kDataCentre) {
    const System* system = tables.system(name);
    if (system == nullptr) continue;
    const double off = square_of_log(rates_of(*system).bf16, rates.bf16);
    if (!kin.empty() && off >= nearest) continue;
    kin.assign(1, system);
    nearest = off;
  }
  return kin;
}

double gemm_roofline(const DeviceRates& rates, Dtype type, double m, double n, double k) {
  const double compute = 2 * m * n * k / rates.compute(type);
  const double memory = (n * k * bytes_per_weight(type) + 2 * m * (n + k)) / rates.bandwidth;
  return std::max(compute, memory);
}

/// The n at which the roofline is `nanos`.
double gemm_width(const DeviceRates& rates, Dtype type, double m, double nanos, double k) {
  const double by_compute = nanos * rates.compute(type) / (2 * m * k);
  const double by_memory =
      (nanos * rates.bandwidth - 2 * m * k) / (k * bytes_per_weight(type) + 2 * m);
  return std::max(1.0, std::min(by_compute, by_memory));
}

}  // namespace

bool DeviceRates::native(Dtype type) const {
  switch (type) {
    case Dtype::Bf16:
      return true;
    case Dtype::Fp8:
    case Dtype::Fp8Block:
      return fp8 > 0;
    case Dtype::Nvfp4:
      return fp4 > 0;
    default:
      return false;
  }
}

double DeviceRates::compute(Dtype type) const {
  if (!native(type)) return bf16;
  if (type == Dtype::Nvfp4) return fp4;
  return type == Dtype::Bf16 ? bf16 : fp8;
}

double bytes_per_weight(Dtype type) {
  switch (type) {
    case Dtype::Fp8:
    case Dtype::Fp8Block:
      return 1;
    case Dtype::Nvfp4:
    case Dtype::Int4:
      return 4.5 / 8;  // scales included, as in perfmodel/precision
    case Dtype::Mxfp4:
      return 4.25 / 8;
    default:
      return 2;
  }
}

Result<Operators> Operators::of(const OperatorTables& tables,
                                const catalog::Accelerator& accelerator) {
  Operators out;
  out.tables_ = tables;
  if (const System* own = tables.measured_on(accelerator.id)) {
    out.own_ = true;
    out.rates_ = rates_of(*own);
    out.rates_.per_host = std::max(1, accelerator.max_per_host.value_or(8));
    if (accelerator.interconnect.find("rack") != std::string::npos) out.rates_.per_host = 72;
    out.relatives_.push_back({own, out.rates_});
    return out;
  }
  const auto rates = rates_of(accelerator, out.notes_);
  if (!rates) return fail(rates.error());
  out.rates_ = *rates;
  std::vector<std::string> names;
  for (const System* system : kin_of(tables, accelerator, *rates)) {
    const DeviceRates theirs = rates_of(*system);
    out.relatives_.push_back({system, theirs});
    names.push_back(system->name);
  }
  out.notes_.push_back(
      names.empty()
          ? fmt::format("no kernel table of {}: roofline at {}", accelerator.id, kCommonEfficiency)
          : fmt::format("no kernel table of {}: roofline with the efficiency measured on {}",
                        accelerator.id, join(names, ", ")));
  return out;
}

std::vector<Operators::Relative> Operators::relatives_with(OperatorKind kind) const {
  std::vector<Relative> out;
  for (const Relative& relative : relatives_)
    if (!relative.system->of(kind).empty()) out.push_back(relative);
  if (!out.empty() || relatives_.empty()) return out;
  // Nobody near has it: whoever is nearest by its figures.
  const System* best = nullptr;
  for (const System& system : tables_.systems()) {
    if (system.of(kind).empty()) continue;
    if (best == nullptr || distance(rates_of(system), rates_) < distance(rates_of(*best), rates_))
      best = &system;
  }
  if (best != nullptr) {
    const DeviceRates theirs = rates_of(*best);
    out.push_back({best, theirs});
  }
  return out;
}

TokenCurve Operators::gemm_of(const Relative& on, const Grid& grid, Dtype type, double n,
                              double k) const {
  const std::span<const std::int32_t> n_axis = grid.axes[0];
  const std::span<const std::int32_t> m_axis = grid.axes[2];
  const AxisPlace at_k = place_on(grid.axes[1], k);
  const std::size_t width = m_axis.size();
  const std::size_t next_k = at_k.index + (at_k.weight > 0 ? 1 : 0);
  const auto run = [&](std::size_t i, std::size_t j) {
    return grid.values.subspan((i * grid.axes[1].size() + j) * width, width);
  };
  // Levels by n and m at this k.
  std::vector<double> levels(n_axis.size() * width);
  for (std::size_t i = 0; i < n_axis.size(); ++i) {
    const auto low = run(i, at_k.index), high = run(i, next_k);
    for (std::size_t m = 0; m < width; ++m)
      levels[i * width + m] = low[m] + at_k.weight * (high[m] - low[m]);
  }
  const bool itself = own_ && type == grid.type;
  if (!itself)  // a wider matrix is never faster, or a faster memory could make a step slower
    for (std::size_t i = n_axis.size() - 1; i-- > 0;)
      for (std::size_t m = 0; m < width; ++m)
        levels[i * width + m] = std::min(levels[i * width + m], levels[(i + 1) * width + m]);

  TokenCurve out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double m = TokenGrid::point(i);
    const double here = gemm_roofline(rates_, type, m, n, k);
    // The width that takes as long there, by the roofline, as n takes here.
    const double there = itself ? n : gemm_width(on.rates, grid.type, m, here, k);
    const AxisPlace at_n = place_on(n_axis, there);
    const AxisPlace at_m = place_on(m_axis, m);
    const auto level = [&](std::size_t row) {
      const double low = levels[row * width + at_m.index];
      return at_m.weight > 0 ? low + at_m.weight * (levels[row * width + at_m.index + 1] - low)
                             : low;
    };
    double read = level(at_n.index);
    if (at_n.weight > 0) read += at_n.weight * (level(at_n.index + 1) - read);
    const double inside = gemm_roofline(on.rates, grid.type, at_m.at, at_n.at, at_k.at);
    // A narrower one than any measured is a launch.
    const bool narrow = !itself && there < at_n.at;
    out[i] = nanos_of(read) * (narrow ? gemm_roofline(on.rates, grid.type, m, at_n.at, k) : here) /
             inside;
  }
  return out;
}

/// The mean over the relatives that have a table of type `table`; false: none has.
bool Operators::gemm_tables(Dtype table, Dtype type, double n, double k, TokenCurve& out) const {
  TokenCurve sum{};
  int count = 0;
  for (const Relative& relative : relatives_with(OperatorKind::Gemm)) {
    const auto grids = relative.system->of(OperatorKind::Gemm);
    const auto grid = std::ranges::find(grids, table, &Grid::type);
    if (grid == grids.end()) continue;
    const TokenCurve one = gemm_of(relative, *grid, type, n, k);
    if (count++ == 0) {
      sum = one;
      continue;
    }
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] *= one[i];
  }
  if (count == 0) return false;
  if (count > 1)
    for (double& value : sum) value = std::pow(value, 1.0 / count);
  out = sum;
  return true;
}

TokenCurve Operators::gemm(Dtype type, double n, double k) const {
  n = std::max(n, 1.0);
  k = std::max(k, 1.0);
  TokenCurve out{};
  bool known = false;
  const auto take_faster = [&](Dtype table) {
    TokenCurve one;
    if (!gemm_tables(table, table, n, k, one)) return;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = known ? std::min(out[i], one[i]) : one[i];
    known = true;
  };
  if (!rates_.native(type)) {
    // Weights are unpacked on the way: the traffic of narrower ones, the arithmetic of bf16, which
    // is what the roofline of the type says.
    known = gemm_tables(Dtype::Bf16, type, n, k, out);
  } else {
    // Block-scaled fp8 was timed outside a graph and per-tensor fp8 is slower than bf16 for many
    // shapes; a server picks what is fast, among all that keep the precision.
    if (type == Dtype::Nvfp4) take_faster(Dtype::Nvfp4);
    if (type != Dtype::Bf16) take_faster(Dtype::Fp8);
    if (type == Dtype::Fp8Block || type == Dtype::Nvfp4) take_faster(Dtype::Fp8Block);
    take_faster(Dtype::Bf16);
  }
  // Each kernel was timed alone and over and over: small weights lay in the L2 cache. In a step
  // they come from memory.
  const double from_memory =
      n * k * bytes_per_weight(type) / (kReachedBandwidth * rates_.bandwidth);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!known) {
      out[i] =
          kLaunchNanos + gemm_roofline(rates_, type, TokenGrid::point(i), n, k) / kCommonEfficiency;
    }
    out[i] = std::max(out[i], from_memory);
  }
  never_falling(out);
  return out;
}

double Operators::gemm(Dtype type, double m, double n, double k) const {
  return TokenGrid::at(gemm(type, n, k), m);
}

}  // namespace kneepoint::perfmodel
