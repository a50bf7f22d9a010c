#include "app/api_json.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/text.h"

namespace kneepoint::app {
namespace {

using json::Array;
using json::Object;
using metrics::Metric;

constexpr std::array kApiMetrics{Metric::Ntpot, Metric::Ttft, Metric::Itl};
constexpr auto kClosest = curve::StatisticRule::Closest;

void put_rounded(Object& out, std::string_view key, double value) {
  if (!metrics::is_missing(value)) out.emplace(key, static_cast<std::int64_t>(std::llround(value)));
}
void put(Object& out, std::string_view key, double value) {
  if (!metrics::is_missing(value)) out.emplace(key, value);
}
void put(Object& out, std::string_view key, std::string_view text) {
  if (!text.empty()) out.emplace(key, text);
}

Object cost_json(const recommend::TokenCost& cost, catalog::PricingModel model, double ratio) {
  return {{"costPerMillionInputTokens", amount_json(cost.input)},
          {"costPerMillionOutputTokens", amount_json(cost.output)},
          {"outputInputCostRatio", ratio},
          {"pricingModel", catalog::name(model)}};
}

Object stats_json(const curve::LoadPoint& point, const std::optional<recommend::TokenCost>& cost,
                  catalog::PricingModel model, double ratio, curve::StatisticRule rule) {
  Object stats;
  if (cost) stats.emplace("cost", Array{cost_json(*cost, model, ratio)});
  put_rounded(stats, "inputTokensPerSecond", point.input_tokens_per_second);
  put_rounded(stats, "itlMilliseconds", shown(point, Metric::Itl, rule).value);
  put_rounded(stats, "ntpotMilliseconds", shown(point, Metric::Ntpot, rule).value);
  put_rounded(stats, "outputTokensPerSecond", point.output_tokens_per_second);
  put(stats, "queriesPerSecond", point.requests_per_second);
  put_rounded(stats, "totalTokensPerSecond",
              point.input_tokens_per_second + point.output_tokens_per_second);
  put_rounded(stats, "ttftMilliseconds", shown(point, Metric::Ttft, rule).value);
  return stats;
}

/// Exact figures with their statistics: {"ttft_ms": {"mean": 61.3}}.
Object latency_json(const curve::LoadPoint& point) {
  Object out;
  for (const Metric metric : metrics::kMetrics) {
    Object figures;
    for (const auto statistic : metrics::kStatistics) {
      put(figures, metrics::name(statistic), point.latency.get(metric, statistic));
    }
    if (!figures.empty()) {
      out.emplace(std::string(metrics::name(metric)) + "_ms", std::move(figures));
    }
  }
  return out;
}

Object price_json(const recommend::Quote& quote) {
  Object out;
  put(out, "provider", quote.provider);
  put(out, "region", quote.region);
  put(out, "machineType", quote.machine_type);
  out.emplace("machineUsdPerHour", quote.machine_usd_per_hour);
  out.emplace("machinesPerReplica", quote.machines_per_replica);
  out.emplace("replicaUsdPerHour", quote.usd_per_hour);
  put(out, "source", quote.price->from.source);
  put(out, "asOf", quote.price->from.as_of);
  put(out, "confidence", quote.price->from.confidence);
  out.emplace("stale", quote.stale);
  if (quote.region_substituted) out.emplace("regionWanted", quote.wanted_region);
  return out;
}

/// Of the machine that was priced.
void put_machine(Object& out, const std::optional<recommend::Quote>& quote) {
  if (!quote) return;
  put(out, "instanceType", quote->machine_type);
  if (quote->machine != nullptr) put(out, "tpuTopology", quote->machine->tpu_topology);
}

template <class Setup, class Workload>
void put_setup(Object& out, const catalog::Catalog& catalog, const Setup& setup,
               const Workload& workload) {
  Object info{{"model", std::string_view(setup.model)},
              {"modelServer", std::string_view(setup.model_server)}};
  put(info, "modelServerVersion", std::string_view(setup.model_server_version));
  out.emplace("modelServerInfo", std::move(info));
  if (setup.accelerator_count) {
    out.emplace("resourcesUsed", Object{{"acceleratorCount", *setup.accelerator_count}});
  }
  if (!setup.serving_stack.empty()) {
    Object stack{{"name", std::string_view(setup.serving_stack)}};
    put(stack, "version", std::string_view(setup.serving_stack_version));
    out.emplace("servingStack", std::move(stack));
  }
  Object lengths;
  put_rounded(lengths, "averageInputLength",
              workload.input_tokens_mean.value_or(metrics::kMissing));
  put_rounded(lengths, "averageOutputLength",
              workload.output_tokens_mean.value_or(metrics::kMissing));
  put(lengths, "useCase", use_case_of(catalog, workload.name));
  out.emplace("workloadSpec", std::move(lengths));
}

Array flags_json(std::string_view flags) {
  Array out;
  for (const auto flag : split(flags, ';')) out.emplace_back(flag);
  return out;
}

}  // namespace

Shown shown(const curve::LoadPoint& point, Metric metric, curve::StatisticRule rule) {
  const auto chosen = metrics::choose_statistic(point.latency, metric, metrics::Statistic::P50,
                                                rule == curve::StatisticRule::Closest);
  if (!chosen) return {};
  return {point.latency.get(metric, chosen->statistic), chosen->statistic};
}

std::string substituted(const curve::LoadPoint& point, curve::StatisticRule rule) {
  std::array<Shown, kApiMetrics.size()> figures;
  std::optional<metrics::Statistic> common;
  bool same = true;
  bool any = false;
  for (std::size_t i = 0; i < figures.size(); ++i) {
    figures[i] = shown(point, kApiMetrics[i], rule);
    if (metrics::is_missing(figures[i].value)) continue;
    any = any || figures[i].statistic != metrics::Statistic::P50;
    same = same && (!common || *common == figures[i].statistic);
    common = figures[i].statistic;
  }
  if (!any) return {};
  if (same) return std::string(metrics::name(*common));
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < figures.size(); ++i) {
    if (metrics::is_missing(figures[i].value)) continue;
    parts.push_back(
        fmt::format("{} {}", metrics::label(kApiMetrics[i]), metrics::name(figures[i].statistic)));
  }
  return join(parts, ", ");
}

std::string use_case_of(const catalog::Catalog& catalog, std::string_view workload) {
  if (workload.starts_with("sharegpt")) {
    if (const catalog::UseCase* chat = catalog.use_case("sharegpt")) return chat->name;
  }
  return std::string(workload);
}

json::Value amount_json(double usd) {
  const auto total = static_cast<long long>(std::llround(usd * 1e9));
  return Object{{"nanos", total % 1'000'000'000}, {"units", std::to_string(total / 1'000'000'000)}};
}

std::string evidence_of(const catalog::Catalog& catalog, profile::EvidenceKind kind,
                        std::string_view source, std::string_view measured_on,
                        std::string_view licence) {
  const catalog::Source* known = catalog.source(source);
  std::string out(profile::name(kind));
  out += ": ";
  out += known != nullptr && !known->display_name.empty() ? std::string_view(known->display_name)
                                                          : source;
  if (!measured_on.empty()) out += fmt::format(", {}", measured_on);
  if (!licence.empty()) out += fmt::format(", {}", licence);
  return out;
}

namespace {

profile::RankingRow::Evidence view_of(const profile::Evidence& e) {
  const auto& of = e.prediction;
  return {e.kind,
          e.source,
          e.licence,
          {of.by, of.nearest, of.extrapolated, of.ttft_error, of.tpot_error, of.e2e_error}};
}

Object evidence_json(const profile::RankingRow::Evidence& evidence) {
  Object out{{"kind", profile::name(evidence.kind)},
             {"source", evidence.source},
             {"licence", evidence.licence}};
  if (evidence.kind != profile::EvidenceKind::Predicted) return out;
  const auto& of = evidence.prediction;
  put(out, "by", of.by);
  put(out, "nearest", of.nearest);
  out.emplace("extrapolated", flags_json(of.extrapolated));
  Object error;
  for (const auto& [key, ratio] :
       {std::pair{"ttft", of.ttft_error}, {"tpot", of.tpot_error}, {"e2e", of.e2e_error}}) {
    if (ratio) error.emplace(key, *ratio);
  }
  if (!error.empty()) out.emplace("bandRatio80", std::move(error));
  return out;
}

}  // namespace

std::string evidence_of(const catalog::Catalog& catalog, const profile::Profile& profile,
                        std::string_view measured_on) {
  const profile::Evidence& e = profile.evidence;
  if (e.kind == profile::EvidenceKind::Predicted) {
    return recommend::prediction_sentence(view_of(e).prediction);
  }
  return evidence_of(catalog, e.kind, e.source, measured_on, e.licence);
}

std::string evidence_mark(const profile::RankingRow::Evidence& evidence) {
  std::string out(profile::name(evidence.kind));
  if (evidence.kind != profile::EvidenceKind::Predicted) return out;
  // In thousands of rows: made at once, and of characters whose width nobody has to look up.
  const auto& of = evidence.prediction;
  const auto add = [&out](std::string_view words, double ratio) {
    out += words;
    // Hundredths as a whole number, unless so near a half that only all digits tell which.
    const double hundredths = std::floor(ratio * 100 + 0.5);
    if (ratio >= 0 && ratio < 1e6 && std::abs(ratio * 100 - hundredths) < 0.499'999) {
      const auto whole = static_cast<unsigned>(hundredths);
      std::array<char, 16> digits;
      char* end = std::to_chars(digits.data(), digits.data() + digits.size(), whole / 100).ptr;
      *end++ = '.';
      *end++ = static_cast<char>('0' + whole / 10 % 10);
      *end++ = static_cast<char>('0' + whole % 10);
      out.append(digits.data(), end);
    } else {
      out += fixed(ratio, 2);
    }
  };
  if (!of.tpot_error && !of.ttft_error) return out;
  out.reserve(64);
  if (of.tpot_error) add(" (TPOT within x", *of.tpot_error);
  if (of.ttft_error) add(of.tpot_error ? ", TTFT within x" : " (TTFT within x", *of.ttft_error);
  return out += ')';
}
json::Object evidence_json(const profile::Evidence& evidence) {
  return evidence_json(view_of(evidence));
}

std::string evidence_mark(const profile::Evidence& evidence) {
  return evidence_mark(view_of(evidence));
}

std::string price_evidence(const recommend::Quote& quote) {
  const auto& from = quote.price->from;
  std::string out = quote.region.empty() ? quote.provider : quote.provider + " " + quote.region;
  out += from.as_of.empty() ? ", undated" : ", " + from.as_of;
  out += ", " + from.source;
  if (quote.stale) out += ", stale";
  if (quote.region_substituted) out += ", nearest to " + quote.wanted_region;
  return out;
}

Object api_profile_json(const catalog::Catalog& catalog, const recommend::Choice& choice,
                        const recommend::Request& request) {
  const profile::RankingRow& p = *choice.profile;
  const auto& point = choice.operating_point.point;
  Object out;
  out.emplace("acceleratorType", p.setup.accelerator);
  put_machine(out, choice.quote);
  put_setup(out, catalog, p.setup, p.workload);
  out.emplace("performanceStats",
              Array{stats_json(point, choice.cost, request.pricing.model,
                               request.output_input_cost_ratio, request.statistic_rule)});
  return out;
}

Object profile_json(const catalog::Catalog& catalog, const recommend::Choice& choice,
                    const recommend::Request& request) {
  const profile::RankingRow& p = *choice.profile;
  const auto& point = choice.operating_point.point;
  Object out = api_profile_json(catalog, choice, request);

  Object own{{"profile", p.id}};
  put(own, "weightPrecision", p.setup.weight_precision);
  put(own, "decoding", p.setup.decoding);
  put(own, "workload", p.workload.name);
  Object at{{"load", point.load},
            {"loadUnit", curve::unit(p.load_kind)},
            {"interpolated", choice.operating_point.interpolated},
            {"zone", curve::name(choice.operating_point.zone)},
            {"latency", latency_json(point)}};
  put(at, "outputTokensPerSecond", point.output_tokens_per_second);
  put(at, "requestsPerSecond", point.requests_per_second);
  own.emplace("operatingPoint", std::move(at));
  own.emplace(
      "knee",
      Object{{"state", curve::name(choice.knee.state)},
             {"sentence", recommend::knee_sentence(choice.knee, p.load_kind, p.evidence.kind)}});
  put(own, "statisticsShown", substituted(point, request.statistic_rule));
  Object evidence = evidence_json(p.evidence);
  evidence.emplace("measuredOn", p.measured_on);
  evidence.emplace("flags", flags_json(p.flags));
  evidence.emplace("sentence", recommend::evidence_sentence(catalog, choice));
  own.emplace("evidence", std::move(evidence));
  if (choice.quote) own.emplace("price", price_json(*choice.quote));
  put(own, "noCost", choice.no_cost);
  own.emplace("replicas", choice.replicas);
  put(own, "usableRequestsPerSecond", choice.usable_requests_per_second);
  if (choice.request_scale != 1) own.emplace("requestScale", choice.request_scale);
  if (choice.fleet_usd_per_hour) own.emplace("fleetUsdPerHour", *choice.fleet_usd_per_hour);
  Array why;
  for (const std::string& reason : recommend::reasons(choice, request)) why.emplace_back(reason);
  own.emplace("reasons", std::move(why));
  out.emplace("kneepoint", std::move(own));
  return out;
}

Object api_benchmark_json(const catalog::Catalog& catalog, const profile::Profile& p,
                          std::span<const Benchmark> points, const recommend::PricingRules& rules,
                          double cost_ratio) {
  Object out;
  out.emplace("acceleratorType", p.setup.accelerator);
  if (!points.empty()) put_machine(out, points.front().quote);
  put_setup(out, catalog, p.setup, p.workload);
  Array stats;
  for (const Benchmark& row : points) {
    stats.push_back(stats_json(row.point->at, row.cost, rules.model, cost_ratio, kClosest));
  }
  out.emplace("performanceStats", std::move(stats));
  return out;
}

Object benchmark_json(const catalog::Catalog& catalog, const profile::Profile& p,
                      std::span<const Benchmark> points, const recommend::PricingRules& rules,
                      double cost_ratio) {
  Object out = api_benchmark_json(catalog, p, points, rules, cost_ratio);
  Array exact;
  for (const Benchmark& row : points) {
    Object one{{"load", row.point->at.load},
               {"loadUnit", curve::unit(p.load_kind)},
               {"zone", curve::name(row.zone)},
               {"latency", latency_json(row.point->at)},
               {"measuredOn", row.point->measured_on},
               {"sourceRef", row.point->source_ref},
               {"derived", flags_json(row.point->derived)},
               {"flags", flags_json(row.point->flags)}};
    const profile::Bands& bands = row.point->bands;
    Object of_point;
    for (const auto& [key, low, high] : {std::tuple{"ttft_ms", bands.ttft_low, bands.ttft_high},
                                         {"tpot_ms", bands.tpot_low, bands.tpot_high},
                                         {"e2e_ms", bands.e2e_low, bands.e2e_high}}) {
      if (low && high) of_point.emplace(key, Object{{"low", *low}, {"high", *high}});
    }
    if (!of_point.empty()) one.emplace("band80", std::move(of_point));
    exact.push_back(std::move(one));
  }
  Object own{{"profile", p.id},
             {"workload", p.workload.name},
             {"evidence", evidence_json(view_of(p.evidence))},
             {"points", std::move(exact)}};
  if (!points.empty() && points.front().quote) {
    own.emplace("price", price_json(*points.front().quote));
  }
  out.emplace("kneepoint", std::move(own));
  return out;
}

}  // namespace kneepoint::app
