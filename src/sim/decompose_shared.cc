#include "sim/decompose_shared.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace kneepoint::sim::decomposing {
namespace {

constexpr std::int64_t kMostRequests = 10'000'000;

}  // namespace

Quantiles quantiles(std::vector<double>& values) {
  Quantiles out;
  if (values.empty()) return out;
  const auto count = static_cast<double>(values.size());
  for (const double value : values) out.mean += value;
  out.mean /= count;
  const auto at = [&](double share, std::size_t from) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * count));
    const std::size_t index = std::max<std::size_t>(rank, 1) - 1;
    std::nth_element(values.begin() + static_cast<std::ptrdiff_t>(from),
                     values.begin() + static_cast<std::ptrdiff_t>(index), values.end());
    return std::pair(values[index], index);
  };
  std::size_t from = 0;
  std::tie(out.p50, from) = at(0.5, 0);
  std::tie(out.p90, from) = at(0.9, from);
  out.p99 = at(0.99, from).first;
  return out;
}

bool queue_grew(std::int64_t requests, std::int64_t by) {
  const auto second_half = static_cast<double>(requests - requests / 2);
  return static_cast<double>(by) > std::max(0.02 * second_half, 2 * std::sqrt(second_half));
}

Result<Lengths> lengths_of(const Load& load) {
  auto input = workload::make_length(load.input, workload::Side::Input);
  if (!input) return fail(std::move(input.error()).during("input lengths"));
  auto output = workload::make_length(load.output, workload::Side::Output);
  if (!output) return fail(std::move(output.error()).during("output lengths"));
  return Lengths{std::move(*input), std::move(*output)};
}

Result<void> check(const Load& load) {
  const auto wrong = [](std::string message) {
    return fail(ErrorCode::InvalidArgument, std::move(message));
  };
  if (load.requests < 1 || load.requests > kMostRequests) {
    return wrong(
        fmt::format("requests: must be from 1 to {}, not {}", kMostRequests, load.requests));
  }
  if (load.pattern != LoadPattern::Burst && !(load.load > 0 && load.load <= 1e9)) {
    return wrong("load: must be above zero and at most 1e9");
  }
  if (load.pattern == LoadPattern::Closed && load.load < 0.5) {
    return wrong("load: a closed loop needs at least one client");
  }
  if (load.cached_prefix < 0) return wrong("cached_prefix: must not be below zero");
  if (load.unseen_steps < 0) return wrong("unseen_steps: must not be below zero");
  if (load.most_in_flight < 0) return wrong("most_in_flight: must not be below zero");
  return {};
}

tl::unexpected<Error> none_fits() {
  return fail(ErrorCode::InvalidArgument,
              "no request fits the engine: raise max_model_len or num_blocks, or ask for less");
}

}  // namespace kneepoint::sim::decomposing
