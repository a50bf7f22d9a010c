#include "predict/load_shape.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace kneepoint::predict {
namespace {

constexpr double kFewest = 20, kMost = 6000;  // simulated requests
constexpr double kUsualSeconds = 600;         // of a run at a rate
constexpr double kInferencePerfClients = 440;

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Least length as a share of the nominal one; nothing when lengths are not uniform.
std::optional<double> least_share(const profile::Workload& w, const std::optional<double>& nominal,
                                  const std::optional<double>& mean) {
  if (!w.name.starts_with("random")) return std::nullopt;
  if (const auto at = w.name.find(":range"); at != std::string::npos) {
    const auto rest = split(std::string_view(w.name).substr(at + 6), ':');
    if (const auto share = rest.empty() ? std::nullopt : parse_number(rest.front())) {
      return std::clamp(*share, 0.0, 1.0);
    }
  }
  // "random:1000/1000" with a mean of 500 was drawn from 1 to 1000.
  if (nominal && mean && *nominal >= 1) return std::clamp(2 * *mean / *nominal - 1, 0.0, 1.0);
  return std::nullopt;
}

workload::LengthSpec length(const profile::Workload& w, const std::optional<double>& nominal,
                            const std::optional<double>& stated_mean, double mean) {
  const auto most = static_cast<std::int64_t>(std::llround(nominal.value_or(mean)));
  if (const auto share = least_share(w, nominal, stated_mean); share && *share < 0.99) {
    return sim::up_to(std::max<std::int64_t>(1, most), *share);
  }
  if (contains(w.name, "sharegpt") || contains(w.name, "orca")) {
    workload::LengthSpec spec;
    spec.kind = workload::LengthKind::Lognormal;
    spec.first = mean;
    spec.second = mean;
    spec.min = 1;
    spec.max = static_cast<std::int64_t>(std::max(64.0, 8 * mean));
    return spec;
  }
  return sim::exactly(std::max<std::int64_t>(1, std::llround(mean)));
}

}  // namespace

sim::Load load_of(const Question& question, const Deployment& deployment) {
  const profile::Workload& w = question.workload;
  sim::Load load;
  load.input = length(w, w.input_tokens_nominal, w.input_tokens_mean, input_tokens(question));
  load.output = length(w, w.output_tokens_nominal, w.output_tokens_mean, output_tokens(question));
  const double ranks = deployment.data;
  double requests = kFewest;
  switch (question.load_kind) {
    case curve::LoadKind::Concurrency:
      load.pattern = sim::LoadPattern::Closed;
      load.load = std::max(1.0, std::round(question.load / ranks));
      // Ten requests per client, as the public harness has it; all clients start at once, and that
      // opening burst is in the mean.
      requests = question.request_count ? *question.request_count / ranks : 10 * load.load;
      requests = std::max(requests, load.load);
      break;
    case curve::LoadKind::RequestRate: {
      const bool even = contains(w.name, "shared-prefix");
      load.pattern = even ? sim::LoadPattern::Constant : sim::LoadPattern::Poisson;
      load.load = question.load / ranks;
      requests = question.request_count.value_or(question.load * kUsualSeconds) / ranks;
      if (even) load.most_in_flight = static_cast<std::int64_t>(kInferencePerfClients);
      break;
    }
    case curve::LoadKind::Burst:
      load.pattern = sim::LoadPattern::Burst;
      requests = question.load / ranks;
      break;
  }
  const double fewest = question.load_kind == curve::LoadKind::Burst ? 1 : kFewest;
  load.requests = std::llround(std::clamp(requests, fewest, kMost));
  if (contains(w.name, "shared-prefix")) {
    // About a hundred distinct prompts are sent over and over: all of each is in the cache but its
    // last, partial block.
    load.cached_prefix = std::max<std::int64_t>(0, std::llround(input_tokens(question)) - 1);
  }
  return load;
}

}  // namespace kneepoint::predict
