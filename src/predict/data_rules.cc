#include "predict/data_rules.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/text.h"

namespace kneepoint::predict {
namespace {

struct IdRule {
  std::string_view id;
  double tpot, ttft;  // weights
};

// TTFT is 81 to 83 % of the whole time whatever the split and the lengths, which is 1 - 96 / 512:
// about 96 of the 512 clients were in flight.
constexpr std::array kClientLimit{
    IdRule{"p-cb909dfc7f13", 1e-3, 1e-3}, IdRule{"p-b0045d64ab3c", 1e-3, 1e-3},
    IdRule{"p-fbf312e525de", 1e-3, 1e-3}, IdRule{"p-1a37ae20cb9a", 1e-3, 1e-3},
    IdRule{"p-47d3dedcec8c", 1e-3, 1e-3}, IdRule{"p-0e1e3446b233", 1e-3, 1e-3},
    IdRule{"p-2c59598db04b", 1e-3, 1e-3},
};

// Seconds of TTFT with 4 clients: a cold start stands in the mean.
constexpr std::array kColdStart{
    IdRule{"p-06bf04db3f11", 1, 0.02}, IdRule{"p-27aff49591b3", 1, 0.02},
    IdRule{"p-925e72a2b6f3", 1, 0.02}, IdRule{"p-e7e16baf2b9e", 1, 0.02},
    IdRule{"p-75b307bdc612", 1, 0.02}, IdRule{"p-80ddfd9a63a9", 1, 0.02},
    IdRule{"p-9bf8d51035c2", 1, 0.02}, IdRule{"p-970885034167", 1, 0.02},
    IdRule{"p-7375fd767437", 1, 0.02}, IdRule{"p-93f58ee7c822", 1, 0.02},
    IdRule{"p-a761b8615d7e", 1, 0.02}, IdRule{"p-fb8f2d790225", 1, 0.02},
};

// Between 1.3 and 3.8 times what the loads below and above it in the same run say.
constexpr std::array kSpikes{
    IdRule{"p-2800440d69cc", 0.05, 1}, IdRule{"p-ee04d9a2bd4d", 0.05, 1},
    IdRule{"p-04c89c35d59d", 0.05, 1}, IdRule{"p-06eaa8b820f0", 0.05, 1},
    IdRule{"p-20d2bcc58025", 0.05, 1}, IdRule{"p-58ce26595592", 0.05, 1},
    IdRule{"p-d26c23fb3463", 1, 0.05}, IdRule{"p-80ae80aa52ea", 1, 0.05},
    IdRule{"p-6dd68f92605a", 1, 0.05}, IdRule{"p-4e5bcd795cbe", 1, 0.05},
};

struct FlagRule {
  std::string_view flag;
  double tpot, ttft;
};
constexpr std::array kFlags{
    // A bad node or an interrupted run.
    FlagRule{"tpot_above_next_higher_load", 0.05, 0.05},
    // The client saw tokens late and in clumps.
    FlagRule{"tpot_below_lower_load_client_bottleneck_suspected", 0.05, 0.05},
    FlagRule{"overload_latencies_of_survivors_only", 0.05, 0.05},
    // The load was really closed at the client's limit.
    FlagRule{"client_in_flight_cap_440_reached", 1, 0.05},
    // How much was in the cache is inferred.
    FlagRule{"ttft_mostly_prefix_cache_hits_inferred", 1, 0.5},
    FlagRule{"prefix_caching_on", 1, 0.5},
    // Mean or median is not said, nor how long the warm-up was.
    FlagRule{"ttft_statistic_not_stated", 1, 0.5},
};

constexpr std::array<std::string_view, 11> kVaried{
    "mlperf_",     "rocm_atom_", "gpustack_",       "sgl_cookbook", "dstack_",          "kubeai_",
    "philschmid_", "kaito_",     "optimum_neuron_", "gcp_tpu_",     "tensorrt_llm_perf"};
// Of varied sources: a burst's TTFT is a place in a queue, a submission's rate is just below what
// its tuned stack can do.
constexpr double kBurst = 0.2, kRate = 0.4, kDoubtful = 0.5, kVariedTtft = 0.5, kQueued = 0.3;
constexpr std::array<std::string_view, 7> kDoubtfulFlags{
    "ten_requests", "topology_not", "open_division", "output_shorter",
    "rounded",      "from_medians", "saturated"};

void apply_varied(const MeasuredPoint& point, Trust& trust) {
  if (!is_varied(point.source)) return;
  if (point.question.load_kind == curve::LoadKind::Burst) trust.tpot *= kBurst;
  if (point.question.load_kind == curve::LoadKind::RequestRate) trust.tpot *= kRate;
  for (const std::string_view doubt : kDoubtfulFlags) {
    if (point.flags.find(doubt) != std::string::npos) {
      trust.tpot *= kDoubtful;
      trust.lowered = true;
      break;
    }
  }
  trust.ttft = std::min(trust.ttft, kVariedTtft * trust.tpot);
  if (point.question.load_kind != curve::LoadKind::Concurrency) trust.ttft *= kQueued;
}

template <std::size_t n>
void apply(const std::array<IdRule, n>& rules, std::string_view id, Trust& trust) {
  for (const IdRule& rule : rules) {
    if (rule.id != id) continue;
    trust.tpot = std::min(trust.tpot, rule.tpot);
    trust.ttft = std::min(trust.ttft, rule.ttft);
    trust.lowered = true;
  }
}

}  // namespace

bool is_varied(std::string_view source) {
  return std::any_of(kVaried.begin(), kVaried.end(),
                     [&](std::string_view name) { return source.starts_with(name); });
}

Trust trust_in(const MeasuredPoint& point) {
  Trust trust;
  apply(kClientLimit, point.id, trust);
  apply(kColdStart, point.id, trust);
  apply(kSpikes, point.id, trust);
  for (const std::string_view flag : split(point.flags, ';')) {
    for (const FlagRule& rule : kFlags) {
      if (rule.flag != flag) continue;
      trust.tpot = std::min(trust.tpot, rule.tpot);
      trust.ttft = std::min(trust.ttft, rule.ttft);
      trust.lowered = true;
    }
  }
  apply_varied(point, trust);
  // Where waiting is a quarter of the whole time TTFT says how full the cache was, and hardly what
  // a prompt costs.
  const double ttft = point.latency.get(metrics::Metric::Ttft, metrics::Statistic::Mean);
  const double e2e = point.latency.get(metrics::Metric::E2e, metrics::Statistic::Mean);
  if (ttft > 0.25 * e2e) {
    trust.ttft *= 0.1;
    trust.tpot *= 0.5;
  }
  return trust;
}

}  // namespace kneepoint::predict
