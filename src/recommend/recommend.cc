#include "recommend/recommend.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <tuple>
#include <utility>

#include "base/text.h"
#include "curve/ladder.h"
#include "perfmodel/memory.h"

namespace kneepoint::recommend {
namespace {

using curve::LoadKind;
using metrics::Metric;
using metrics::Statistic;
using profile::RankingRow;

/// How far a measured workload is from the wanted lengths: sum of the two log ratios.
double length_distance(const RankingRow& p, double input, double output) {
  const auto in =
      p.workload.input_tokens_mean ? p.workload.input_tokens_mean : p.workload.input_tokens_nominal;
  const auto out = p.workload.output_tokens_mean ? p.workload.output_tokens_mean
                                                 : p.workload.output_tokens_nominal;
  if (!in || !out || *in <= 0 || *out <= 0) return std::numeric_limits<double>::infinity();
  return std::abs(std::log(*in / input)) + std::abs(std::log(*out / output));
}

bool is_predicted(const RankingRow& p) {
  return p.evidence.kind == profile::EvidenceKind::Predicted;
}

std::string miss_sentence(const RankingRow& p, const curve::NoOperatingPoint& miss) {
  const auto label = metrics::label(miss.metric);
  if (miss.reason == curve::Miss::StatisticMissing) {
    if (is_predicted(p)) {
      return fmt::format("{}: {} {} is not predicted", setup_name(p), metrics::name(miss.statistic),
                         label);
    }
    return fmt::format("{}: {} {} was not published", setup_name(p), metrics::name(miss.statistic),
                       label);
  }
  return fmt::format("{}: best reachable {} {} is {} ms", setup_name(p),
                     metrics::name(miss.statistic), label,
                     shortest(std::round(miss.best_ms * 10) / 10));
}

void price(Pricer& pricer, const Request& request, Choice& choice) {
  const RankingRow& p = *choice.profile;
  const auto& point = choice.operating_point.point;
  if (!p.setup.accelerator_count) {
    choice.no_cost = "the source does not say how many accelerators a replica has";
    return;
  }
  const auto& quote = pricer.quote(p.setup.accelerator, *p.setup.accelerator_count);
  if (!quote) {
    choice.no_cost = quote.error().sentence;
    return;
  }
  choice.quote = *quote;
  if (metrics::is_missing(point.output_tokens_per_second) || point.output_tokens_per_second <= 0) {
    choice.no_cost = "the source publishes no output token rate";
  } else if (metrics::is_missing(point.input_tokens_per_second)) {
    choice.no_cost = "the source publishes no input token rate";
  } else {
    choice.cost = token_cost(choice.quote->usd_per_hour, point.input_tokens_per_second,
                             point.output_tokens_per_second, request.output_input_cost_ratio);
  }
}

/// How many of the wanted requests one measured request stands for, by tokens: as many as take
/// neither more input nor more output tokens per second than were measured. 1 when no lengths are
/// wanted, the measured ones are unknown, or both are within 20 % (the public client's "same").
double request_scale(const Request& request, const RankingRow& p) {
  const auto in = p.workload.input_tokens_mean;
  const auto out = p.workload.output_tokens_mean;
  if (!request.input_tokens || !request.output_tokens || !in || !out) return 1;
  const auto near = [](double a, double b) { return std::abs(a - b) <= 0.2 * b; };
  if (near(*in, *request.input_tokens) && near(*out, *request.output_tokens)) return 1;
  return std::min(*in / *request.input_tokens, *out / *request.output_tokens);
}

/// Replicas for the expected load, none of them used past (1 - headroom) of its rate.
void size_fleet(const Request& request, Choice& choice) {
  const double rate = choice.operating_point.point.requests_per_second;
  choice.request_scale = request_scale(request, *choice.profile);
  if (!metrics::is_missing(rate)) {
    choice.usable_requests_per_second = rate * choice.request_scale * (1 - request.headroom);
  }
  if (request.expected_requests_per_second && choice.usable_requests_per_second > 0) {
    const double needed = *request.expected_requests_per_second / choice.usable_requests_per_second;
    choice.replicas = static_cast<int>(std::min(1e6, std::max(1.0, std::ceil(needed - 1e-9))));
  }
  if (request.min_available) ++choice.replicas;
  if (choice.quote) choice.fleet_usd_per_hour = choice.quote->usd_per_hour * choice.replicas;
}

void widen(curve::Range& range, double value) {
  if (metrics::is_missing(value)) return;
  if (metrics::is_missing(range.min) || value < range.min) range.min = value;
  if (metrics::is_missing(range.max) || value > range.max) range.max = value;
}

/// Whether every figure of the metric that reachable() may read lies in a range already: then no
/// part of the curve can widen it.
bool lies_within(std::span<const curve::LoadPoint> points, Metric metric,
                 const curve::Range& range) {
  if (metrics::is_missing(range.min)) return false;
  for (const Statistic statistic : metrics::by_nearness(Statistic::P50)) {
    bool within = true, everywhere = true;
    for (const auto& point : points) {
      const double ms = point.latency.get(metric, statistic);
      within &= !(ms < range.min) & !(ms > range.max);  // a missing one is neither
      everywhere &= !metrics::is_missing(ms);
    }
    if (!within) return false;
    if (everywhere) return true;  // of those after it none is read
  }
  return true;
}

/// Ascending by rank and then by id. What is sorted is small: a choice is large to move, and moves
/// once.
template <class Rank>
void put_in_order(std::vector<Choice>& choices, Rank rank_of) {
  using Rung = std::tuple<std::pair<double, double>, std::string_view, std::size_t>;
  std::vector<Rung> order;
  order.reserve(choices.size());
  for (const Choice& choice : choices) {
    order.emplace_back(rank_of(choice), choice.profile->id, order.size());
  }
  std::sort(order.begin(), order.end());
  // Along each cycle, so that no second copy of them all is made.
  for (std::size_t start = 0; start < order.size(); ++start) {
    std::size_t from = std::exchange(std::get<2>(order[start]), start);
    if (from == start) continue;
    Choice held = std::move(choices[start]);
    std::size_t to = start;
    while (from != start) {
      choices[to] = std::move(choices[from]);
      to = std::exchange(from, std::exchange(std::get<2>(order[from]), from));
    }
    choices[to] = std::move(held);
  }
}

}  // namespace

std::string setup_name(const RankingRow& p) {
  std::string out = fmt::format(
      "{}{} on {}", p.setup.model_server,
      p.setup.model_server_version.empty() ? std::string()
                                           : fmt::format(" {}", p.setup.model_server_version),
      p.setup.accelerator_count ? fmt::format("{} x ", *p.setup.accelerator_count) : std::string());
  out += p.setup.accelerator;
  return out;
}

std::string_view code(ReasonCode reason) {
  switch (reason) {
    case ReasonCode::DoesNotFit:
      return "does_not_fit";
    case ReasonCode::MissesTarget:
      return "misses_target";
    case ReasonCode::StatisticMissing:
      return "statistic_missing";
    case ReasonCode::NoPrice:
      return "no_price";
    case ReasonCode::OverBudget:
      return "over_budget";
    case ReasonCode::NoData:
      return "no_data";
    case ReasonCode::UnknownSize:
      return "unknown_size";
    case ReasonCode::AcceleratorNotAllowed:
      return "accelerator_not_allowed";
  }
  __builtin_unreachable();
}

/// A length_distance(): within one per cent.
constexpr double kSameLengths = 0.01;

std::vector<const RankingRow*> nearest_workloads(std::span<const RankingRow> profiles,
                                                 const Request& request,
                                                 std::vector<std::string>& notes) {
  std::vector<const RankingRow*> kept;
  if (!request.input_tokens || !request.output_tokens) {
    for (const RankingRow& p : profiles) kept.push_back(&p);
    return kept;
  }
  using Group = std::tuple<std::string_view, std::string_view, std::string_view>;
  const auto group_of = [](const RankingRow& p) {
    return Group(p.setup.model, p.setup.accelerator, p.setup.model_server);
  };
  // A steady state before a burst, which answers nothing; then the smallest distance.
  using Nearness = std::pair<bool, double>;
  const auto nearness = [&](const RankingRow& p) {
    return Nearness(p.load_kind == LoadKind::Burst,
                    length_distance(p, *request.input_tokens, *request.output_tokens));
  };
  std::map<Group, std::pair<Nearness, const RankingRow*>> nearest;
  for (const RankingRow& p : profiles) {
    const auto [at, fresh] = nearest.try_emplace(group_of(p), nearness(p), &p);
    if (!fresh && nearness(p) < at->second.first) at->second = {nearness(p), &p};
  }
  bool other_lengths = false;
  std::map<std::string_view, std::string> used;  // by name; means differ a little between runs
  for (const RankingRow& p : profiles) {
    // Runs of one workload differ a little in their measured means: all of them count.
    const auto& [best, row] = nearest.at(group_of(p));
    // Lengths are unknown for the whole group: nothing is nearer than anything.
    if (std::isinf(best.second) || p.workload.name != row->workload.name) continue;
    kept.push_back(&p);
    other_lengths |= best.second > kSameLengths;
    used.try_emplace(p.workload.name, fmt::format("{} ({:.0f}/{:.0f} tokens)", p.workload.name,
                                                  row->workload.input_tokens_mean.value_or(0),
                                                  row->workload.output_tokens_mean.value_or(0)));
  }
  constexpr std::size_t kNamed = 6;
  std::vector<std::string> named;
  for (const auto& [name, text] : used) named.push_back(text);
  if (named.size() > kNamed) {
    const auto more = named.size() - kNamed;
    named.resize(kNamed);
    named.push_back(fmt::format("{} more", more));
  }
  if (other_lengths) {
    notes.push_back(fmt::format(
        "asked for {:.0f} input and {:.0f} output tokens; nearest measured {}"
        "workload: {}",
        *request.input_tokens, *request.output_tokens,
        std::any_of(kept.begin(), kept.end(), [](const RankingRow* p) { return is_predicted(*p); })
            ? "or predicted "
            : "",
        join(named, ", ")));
  }
  return kept;
}

Recommendation recommend(const catalog::Catalog& catalog,
                         std::span<const profile::RankingRow> profiles, const Request& request) {
  Recommendation out;
  Pricer pricer(catalog, request.pricing);
  // A choice is large: thousands are not moved as they grow.
  out.ranked.reserve(profiles.size());
  out.unpriced.reserve(profiles.size());
  std::array<curve::Range, metrics::kMetrics.size()> ranges;
  const auto reject = [&](ReasonCode reason, const RankingRow& p, std::string sentence) {
    out.rejected.push_back({reason, std::string(p.setup.accelerator), std::string(p.id),
                            std::string(p.setup.model), std::move(sentence)});
  };

  for (const RankingRow* p : nearest_workloads(profiles, request, out.notes)) {
    if (p->load_kind == LoadKind::Burst) {
      reject(ReasonCode::NoData, *p,
             setup_name(*p) + ": all requests were sent at once, which is no steady state");
      continue;
    }
    Choice choice;
    choice.profile = p;
    const curve::Ladder ladder(p->points);
    choice.knee = curve::find_knee(ladder, p->load_kind);
    for (std::size_t m = 0; m < metrics::kMetrics.size(); ++m) {
      const Metric metric = metrics::kMetrics[m];
      if (lies_within(p->points, metric, ranges[m])) continue;
      const auto range =
          curve::reachable(ladder, choice.knee, metric, Statistic::P50, request.statistic_rule);
      widen(ranges[m], range.min);
      widen(ranges[m], range.max);
    }
    for (const auto& point : p->points) {
      widen(out.output_tokens_per_second, point.output_tokens_per_second);
    }
    auto op =
        curve::find_operating_point(ladder, choice.knee, request.targets, request.statistic_rule);
    if (!op) {
      reject(op.error().reason == curve::Miss::MissesTarget ? ReasonCode::MissesTarget
                                                            : ReasonCode::StatisticMissing,
             *p, miss_sentence(*p, op.error()));
      continue;
    }
    if (!request.accelerators.empty() &&
        std::find(request.accelerators.begin(), request.accelerators.end(), p->setup.accelerator) ==
            request.accelerators.end()) {
      reject(ReasonCode::AcceleratorNotAllowed, *p, setup_name(*p) + ": not among those allowed");
      continue;
    }
    choice.operating_point = std::move(*op);
    price(pricer, request, choice);
    size_fleet(request, choice);
    if (p->setup.accelerator_count && *p->setup.accelerator_count > 0) {
      choice.output_tokens_per_second_per_accelerator =
          choice.operating_point.point.output_tokens_per_second / *p->setup.accelerator_count;
    }
    const bool over = (request.max_usd_per_million_output && choice.cost &&
                       choice.cost->output > *request.max_usd_per_million_output) ||
                      (request.max_usd_per_million_input && choice.cost &&
                       choice.cost->input > *request.max_usd_per_million_input) ||
                      (request.max_usd_per_hour && choice.fleet_usd_per_hour &&
                       *choice.fleet_usd_per_hour > *request.max_usd_per_hour);
    if (over) {
      reject(ReasonCode::OverBudget, *p,
             fmt::format("{}: ${} per million output tokens, ${} per hour for {} replica{}",
                         setup_name(*p), choice.cost ? fixed(choice.cost->output, 3) : "?",
                         fixed(*choice.fleet_usd_per_hour, 2), choice.replicas,
                         choice.replicas == 1 ? "" : "s"));
      continue;
    }
    // A limit on money cannot be shown to hold without a price.
    const bool limited = request.max_usd_per_million_output || request.max_usd_per_million_input ||
                         request.max_usd_per_hour;
    if (limited && (!choice.cost || !choice.fleet_usd_per_hour)) {
      reject(ReasonCode::NoPrice, *p, setup_name(*p) + ": " + choice.no_cost);
      continue;
    }
    const bool sortable =
        request.expected_requests_per_second
            ? choice.fleet_usd_per_hour.has_value() && choice.usable_requests_per_second > 0
            : choice.cost.has_value();
    (sortable ? out.ranked : out.unpriced).push_back(std::move(choice));
  }

  const auto density = [](const Choice& c) {
    const double value = c.output_tokens_per_second_per_accelerator;
    return metrics::is_missing(value) ? -1.0 : value;
  };
  // Beside measurements a prediction counts at the slow end of its band: it may be the better
  // choice, but not for having been guessed too well.
  const bool mixed = std::any_of(profiles.begin(), profiles.end(),
                                 [](const RankingRow& p) { return !is_predicted(p); });
  const auto key = [&](const Choice& c) {
    const double usd =
        request.expected_requests_per_second ? *c.fleet_usd_per_hour : c.cost->output;
    return mixed && is_predicted(*c.profile)
               ? usd * c.profile->evidence.prediction.tpot_error.value_or(1)
               : usd;
  };
  put_in_order(out.ranked, [&](const Choice& c) { return std::pair(key(c), -density(c)); });
  put_in_order(out.unpriced, [&](const Choice& c) { return std::pair(0.0, -density(c)); });
  for (std::size_t m = 0; m < metrics::kMetrics.size(); ++m) {
    if (!metrics::is_missing(ranges[m].min)) {
      out.ranges.push_back({metrics::kMetrics[m], ranges[m].min, ranges[m].max});
    }
  }
  return out;
}

std::string prediction_sentence(const RankingRow::Evidence::Prediction& of) {
  std::string out = fmt::format("by calibration {}", of.by.substr(0, 12));
  std::vector<std::string> widths;
  for (const auto& [label, error] : {std::pair{"TPOT", of.tpot_error}, {"TTFT", of.ttft_error}}) {
    if (error) widths.push_back(fmt::format("{} within x{}", label, fixed(*error, 2)));
  }
  if (!widths.empty()) out += "; 80 % of measurements: " + join(widths, ", ");
  if (!of.nearest.empty()) out += fmt::format("; nearest measured: {}", of.nearest);
  if (!of.extrapolated.empty()) out += fmt::format("; extrapolated: {}", of.extrapolated);
  return "predicted " + out;
}

std::string knee_sentence(const curve::Knee& knee, LoadKind kind, profile::EvidenceKind evidence) {
  std::string out = curve::sentence(knee, kind);
  if (evidence != profile::EvidenceKind::Predicted) return out;
  constexpr std::string_view kMeasured = "measured";
  for (auto at = out.find(kMeasured); at != std::string::npos; at = out.find(kMeasured, at)) {
    out.replace(at, kMeasured.size(), "predicted");
  }
  return out;
}

std::vector<std::string> reasons(const Choice& choice, const Request& request) {
  const auto& op = choice.operating_point;
  const LoadKind kind = choice.profile->load_kind;
  const bool predicted = is_predicted(*choice.profile);
  const char* found = predicted ? "predicted" : "measured";
  std::vector<std::string> out;
  if (op.interpolated) {
    out.push_back(
        fmt::format("operating point at {} {}, interpolated between the loads {} at {} and {}",
                    shortest(std::round(op.point.load * 100) / 100), curve::unit(kind), found,
                    shortest(choice.profile->points[op.lower].load),
                    shortest(choice.profile->points[op.upper].load)));
  } else {
    out.push_back(fmt::format("operating point as {} at {} {}", found, shortest(op.point.load),
                              curve::unit(kind)));
  }
  out.push_back(knee_sentence(choice.knee, kind, choice.profile->evidence.kind));
  for (const auto& s : op.substitutes) {
    out.push_back(fmt::format("{} {} was not {}: {} used", metrics::name(s.asked),
                              metrics::label(s.metric), predicted ? "predicted" : "published",
                              metrics::name(s.used)));
  }
  if (choice.request_scale != 1 && request.expected_requests_per_second) {
    out.push_back(fmt::format(
        "replicas are an estimate by tokens: a {} request ({}/{} tokens) is taken for {} of "
        "those asked for ({}/{})",
        found, fixed(*choice.profile->workload.input_tokens_mean, 0),
        fixed(*choice.profile->workload.output_tokens_mean, 0), fixed(choice.request_scale, 2),
        fixed(*request.input_tokens, 0), fixed(*request.output_tokens, 0)));
  }
  if (choice.quote) {
    const Quote& q = *choice.quote;
    if (q.region_substituted) {
      out.push_back(fmt::format("no {} price in {}: nearest priced region {} used",
                                catalog::name(request.pricing.model), q.wanted_region, q.region));
    }
    if (q.stale) {
      out.push_back(q.price->from.as_of.empty()
                        ? std::string("the price is undated: treat it as stale")
                        : fmt::format("the price is of {}: stale", q.price->from.as_of));
    }
  }
  if (!choice.no_cost.empty()) out.push_back(choice.no_cost);
  return out;
}

std::vector<Rejected> without_profiles(const catalog::Catalog& catalog, std::string_view model,
                                       std::span<const profile::RankingRow> profiles) {
  std::vector<Rejected> out;
  std::set<std::string_view> measured;
  for (const RankingRow& p : profiles) measured.insert(p.setup.accelerator);
  const catalog::Model* known = catalog.model(model);
  for (const catalog::Accelerator& accelerator : catalog.accelerators()) {
    if (measured.contains(accelerator.id)) continue;
    const auto add = [&](ReasonCode reason, std::string sentence) {
      out.push_back({reason, accelerator.id, "", std::string(model), std::move(sentence)});
    };
    if (known == nullptr) {
      add(ReasonCode::UnknownSize, "the catalog does not describe the model's architecture");
      continue;
    }
    perfmodel::FitAnswer answer;
    int fits_on = 0;
    for (int count = 1; count <= accelerator.max_per_host.value_or(8); count *= 2) {
      if (known->heads && *known->heads % count != 0) break;
      perfmodel::MemorySetup setup;
      setup.accelerators = count;
      setup.tensor_parallel = count;
      answer = perfmodel::fits(*known, accelerator, setup);
      if (answer.fit == perfmodel::Fit::UnknownSize) break;
      if (answer.fit == perfmodel::Fit::Fits) {
        fits_on = count;
        break;
      }
    }
    if (answer.fit == perfmodel::Fit::UnknownSize) {
      add(ReasonCode::UnknownSize, answer.sentence);
    } else if (fits_on > 0) {
      add(ReasonCode::NoData,
          fmt::format("fits on {} x {}, but nothing was measured there", fits_on, accelerator.id));
    } else {
      add(ReasonCode::DoesNotFit, answer.sentence);
    }
  }
  return out;
}

std::string evidence_sentence(const catalog::Catalog& catalog, const Choice& choice) {
  const RankingRow& p = *choice.profile;
  const catalog::Source* source = catalog.source(p.evidence.source);
  std::string out(profile::name(p.evidence.kind));
  out += ": ";
  if (is_predicted(p)) {
    out = prediction_sentence(p.evidence.prediction);
  } else {
    out += source != nullptr && !source->display_name.empty() ? source->display_name
                                                              : std::string(p.evidence.source);
    if (!p.measured_on.empty()) out += fmt::format(", {}", p.measured_on);
    if (!p.evidence.licence.empty()) out += fmt::format(", {}", p.evidence.licence);
  }
  if (choice.request_scale != 1) {
    out += fmt::format("; an estimate for the lengths asked for: {} with {}/{} tokens",
                       is_predicted(p) ? "predicted" : "measured",
                       fixed(p.workload.input_tokens_mean.value_or(0), 0),
                       fixed(p.workload.output_tokens_mean.value_or(0), 0));
  }
  if (choice.operating_point.interpolated) {
    out += fmt::format("; interpolated between {} and {} {}",
                       shortest(p.points[choice.operating_point.lower].load),
                       shortest(p.points[choice.operating_point.upper].load),
                       curve::unit(p.load_kind));
  }
  for (const auto& s : choice.operating_point.substitutes) {
    out += fmt::format("; {} {} for {}", metrics::name(s.used), metrics::label(s.metric),
                       metrics::name(s.asked));
  }
  return out;
}

}  // namespace kneepoint::recommend
