#include "verbs/pieces.h"

#include <fmt/format.h>

#include <array>

#include "app/api_json.h"
#include "base/text.h"

namespace kneepoint::verbs {
namespace {

using json::Array;
using json::Object;
using metrics::Metric;
using metrics::Statistic;

Object role(const profile::Role& of) {
  Object out;
  put(out, "workers", of.workers);
  put(out, "tensorParallel", of.tensor_parallel);
  put(out, "expertParallel", of.expert_parallel);
  if (of.attention_dp) out.emplace("attentionDp", *of.attention_dp);
  return out;
}

Object setup(const profile::Profile& p) {
  const profile::ServingSetup& s = p.setup;
  Object out{{"name", setup_name(p)}};
  put(out, "model", s.model);
  put(out, "checkpoint", s.checkpoint);
  put(out, "modelServer", s.model_server);
  put(out, "modelServerVersion", s.model_server_version);
  put(out, "containerImage", s.container_image);
  put(out, "servingStack", s.serving_stack);
  put(out, "servingStackVersion", s.serving_stack_version);
  put(out, "acceleratorType", s.accelerator);
  put(out, "acceleratorCount", s.accelerator_count);
  put(out, "tensorParallel", s.tensor_parallel);
  put(out, "pipelineParallel", s.pipeline_parallel);
  put(out, "dataParallel", s.data_parallel);
  put(out, "expertParallel", s.expert_parallel);
  put(out, "weightPrecision", s.weight_precision);
  put(out, "kvPrecision", s.kv_precision);
  put(out, "decoding", s.decoding);
  put(out, "speculativeDecoding", s.speculative_decoding);
  if (s.prefill.workers) out.emplace("prefill", role(s.prefill));
  if (s.decode.workers) out.emplace("decode", role(s.decode));
  put(out, "topologyFrom", s.topology_from);
  put(out, "recordedTopology", s.recorded_topology);
  if (!s.server_settings.empty()) out.emplace("serverSettings", parts(s.server_settings));
  return out;
}

Object workload(const catalog::Catalog& catalog, const profile::Workload& w) {
  Object out{{"name", w.name}, {"useCase", app::use_case_of(catalog, w.name)}};
  put(out, "averageInputLength", w.input_tokens_mean);
  put(out, "averageOutputLength", w.output_tokens_mean);
  put(out, "nominalInputLength", w.input_tokens_nominal);
  put(out, "nominalOutputLength", w.output_tokens_nominal);
  return out;
}

Object source(const catalog::Source& s) {
  Object out{{"name", s.name}};
  put(out, "displayName", s.display_name);
  put(out, "repository", s.repository);
  put(out, "commit", s.commit);
  put(out, "licence", s.licence);
  put(out, "howMeasured", s.how_measured);
  put(out, "url", s.url);
  return out;
}

Object evidence(const catalog::Catalog& catalog, const profile::Profile& p,
                std::string_view measured_on, Array flags) {
  Object out = app::evidence_json(p.evidence);
  put(out, "measuredOn", measured_on);
  out.emplace("flags", std::move(flags));
  out.emplace("sentence", app::evidence_of(catalog, p, measured_on));
  return out;
}

Object bands(const profile::Bands& of) {
  Object out;
  for (const auto& [key, low, high] : {std::tuple{"ttft", of.ttft_low, of.ttft_high},
                                       {"tpot", of.tpot_low, of.tpot_high},
                                       {"e2e", of.e2e_low, of.e2e_high}}) {
    if (low && high) out.emplace(key, Object{{"low", *low}, {"high", *high}});
  }
  return out;
}

Object server(const profile::ServerLoad& of) {
  Object out;
  put(out, "runningMean", of.running_mean);
  put(out, "runningMax", of.running_max);
  put(out, "waitingMean", of.waiting_mean);
  put(out, "waitingMax", of.waiting_max);
  put(out, "kvUseMean", of.kv_use_mean);
  put(out, "kvUseMax", of.kv_use_max);
  put(out, "preemptions", of.preemptions);
  put(out, "prefixHitShare", of.prefix_hit_share);
  return out;
}

/// Neighbouring loads of one zone, as one stretch.
Array zones(const std::vector<curve::LoadPoint>& points, const curve::Knee& knee) {
  Array out;
  std::string_view last;
  for (const curve::LoadPoint& point : points) {
    if (metrics::is_missing(point.load)) continue;
    const std::string_view zone = curve::name(curve::zone_of(knee, point.load));
    if (zone != last) {
      out.push_back(Object{{"zone", zone}, {"fromLoad", point.load}, {"toLoad", point.load}});
    }
    out.back().as_object()["toLoad"] = point.load;
    last = zone;
  }
  return out;
}

Object rejected(const recommend::Rejected& r) {
  Object out{{"reason", recommend::code(r.reason)}};
  put(out, "acceleratorType", r.accelerator);
  put(out, "profile", r.profile);
  put(out, "model", r.model);
  out.emplace("sentence", r.sentence);
  return out;
}

}  // namespace

std::string setup_name(const profile::Profile& p) {
  const std::vector<profile::Profile> one{p};
  return recommend::setup_name(profile::ranking_of(one).rows().front());
}

void put(Object& out, std::string_view key, double value) {
  if (!metrics::is_missing(value)) out.emplace(key, value);
}
void put(Object& out, std::string_view key, std::string_view text) {
  if (!text.empty()) out.emplace(key, text);
}
void put(Object& out, std::string_view key, const std::optional<double>& value) {
  if (value) put(out, key, *value);
}
void put(Object& out, std::string_view key, const std::optional<int>& value) {
  if (value) out.emplace(key, *value);
}

Array texts(const std::vector<std::string>& all) {
  Array out;
  for (const std::string& one : all) out.emplace_back(one);
  return out;
}

Array parts(std::string_view text) {
  Array out;
  for (const std::string_view part : split(text, ';')) out.emplace_back(part);
  return out;
}

Object latency(const metrics::LatencyTable& table) {
  Object out;
  for (const Metric metric : metrics::kMetrics) {
    Object figures;
    for (const Statistic statistic : metrics::kStatistics) {
      put(figures, metrics::name(statistic), table.get(metric, statistic));
    }
    if (!figures.empty()) out.emplace(metrics::name(metric), std::move(figures));
  }
  return out;
}

Object knee(const curve::Knee& knee, curve::LoadKind kind, profile::EvidenceKind evidence) {
  Object out{{"state", curve::name(knee.state)},
             {"sentence", recommend::knee_sentence(knee, kind, evidence)}};
  if (knee.state == curve::KneeState::Found) out.emplace("load", knee.load);
  if (knee.loads > 0) {
    out.emplace("lowestLoad", knee.lowest_load);
    out.emplace("highestLoad", knee.highest_load);
    out.emplace("loads", knee.loads);
  }
  return out;
}

Object choice(const catalog::Catalog& catalog, const recommend::Choice& of,
              const recommend::Request& request) {
  Object out = app::profile_json(catalog, of, request);
  Object& own = out.at("kneepoint").as_object();
  own.emplace("setup", recommend::setup_name(*of.profile));
  Object& at = own.at("operatingPoint").as_object();
  at.erase("latency");
  at.emplace("latencyMilliseconds", latency(of.operating_point.point.latency));
  if (of.quote) {
    own.at("price").as_object().emplace("sentence", app::price_evidence(*of.quote));
  }
  if (of.cost) {
    own.emplace("usdPerMillionInputTokens", of.cost->input);
    own.emplace("usdPerMillionOutputTokens", of.cost->output);
  }
  if (of.fleet_usd_per_hour) {
    own.emplace("fleetUsdPerMonth", *of.fleet_usd_per_hour * kHoursPerMonth);
  }
  return out;
}

Object ranking(const catalog::Catalog& catalog, const recommend::Recommendation& result,
               const recommend::Request& request, const Limits& limits) {
  Array choices, left_out;
  for (const auto* list : {&result.ranked, &result.unpriced}) {
    for (const recommend::Choice& one : *list) {
      if (choices.size() >= limits.choices) break;
      choices.push_back(choice(catalog, one, request));
    }
  }
  for (const recommend::Rejected& one : result.rejected) {
    if (left_out.size() >= limits.rejected) break;
    left_out.push_back(rejected(one));
  }
  Object reachable;
  for (const recommend::ReachableRange& range : result.ranges) {
    reachable.emplace(metrics::name(range.metric),
                      Object{{"minMilliseconds", range.min_ms}, {"maxMilliseconds", range.max_ms}});
  }
  return {{"choices", std::move(choices)},
          {"totalChoices", result.ranked.size() + result.unpriced.size()},
          {"rejected", std::move(left_out)},
          {"totalRejected", result.rejected.size()},
          {"reachable", std::move(reachable)}};
}

Object whole_profile(const catalog::Catalog& catalog, const profile::Profile& p,
                     const recommend::Request& request) {
  const auto curve = profile::curve_of(p);
  const auto found = curve::find_knee(curve, p.load_kind);
  recommend::Pricer pricer(catalog, request.pricing);
  const auto quote = pricer.quote(p.setup.accelerator, p.setup.accelerator_count.value_or(1));
  Array points;
  for (const profile::Point& point : p.points) {
    const curve::LoadPoint& at = point.at;
    Object one;
    put(one, "id", point.id);
    put(one, "load", at.load);
    one.emplace("zone", curve::name(curve::zone_of(found, at.load)));
    put(one, "requestsPerSecond", at.requests_per_second);
    put(one, "outputTokensPerSecond", at.output_tokens_per_second);
    put(one, "inputTokensPerSecond", at.input_tokens_per_second);
    put(one, "requestCount", point.request_count);
    put(one, "errorCount", point.error_count);
    put(one, "averageInputLength", point.input_tokens_mean);
    put(one, "averageOutputLength", point.output_tokens_mean);
    one.emplace("latencyMilliseconds", latency(at.latency));
    if (Object of = bands(point.bands); !of.empty()) {
      one.emplace("band80Milliseconds", std::move(of));
    }
    if (Object of = server(point.server); !of.empty()) one.emplace("server", std::move(of));
    if (quote && !metrics::is_missing(at.input_tokens_per_second) &&
        !metrics::is_missing(at.output_tokens_per_second)) {
      const auto cost =
          recommend::token_cost(quote->usd_per_hour, at.input_tokens_per_second,
                                at.output_tokens_per_second, request.output_input_cost_ratio);
      one.emplace("usdPerMillionInputTokens", cost.input);
      one.emplace("usdPerMillionOutputTokens", cost.output);
    }
    Object from = evidence(catalog, p, point.measured_on, parts(point.flags));
    put(from, "sourceRef", point.source_ref);
    if (!point.derived.empty()) from.emplace("derived", parts(point.derived));
    one.emplace("evidence", std::move(from));
    points.push_back(std::move(one));
  }
  Object out{
      {"id", p.id},
      {"setup", setup(p)},
      {"workload", workload(catalog, p.workload)},
      {"loadKind", curve::name(p.load_kind)},
      {"loadUnit", curve::unit(p.load_kind)},
      {"evidence", evidence(catalog, p, profile::newest_date(p), texts(profile::flags_of(p)))},
      {"knee", knee(found, p.load_kind, p.evidence.kind)},
      {"zones", zones(curve, found)}};
  if (const catalog::Source* known = catalog.source(p.evidence.source)) {
    out.emplace("source", source(*known));
  }
  out.emplace("points", std::move(points));
  return out;
}

Object standing(const catalog::Catalog& catalog, const profile::Profile& p,
                const recommend::Request& request) {
  const std::vector<profile::Profile> one{p};
  const auto rows = profile::ranking_of(one);
  const auto result = recommend::recommend(catalog, rows.rows(), request);
  Object out;
  for (const auto* list : {&result.ranked, &result.unpriced}) {
    if (!list->empty() && out.empty()) {
      out.emplace("choice", choice(catalog, list->front(), request));
    }
  }
  if (!out.empty()) return out;
  Array why;
  for (const recommend::Rejected& each : result.rejected) why.push_back(rejected(each));
  out.emplace("rejected", std::move(why));
  return out;
}

void prune(json::Value& value) {
  if (json::Array* list = value.if_array()) {
    for (json::Value& one : *list) prune(one);
    return;
  }
  json::Object* object = value.if_object();
  if (object == nullptr) return;
  for (auto it = object->begin(); it != object->end();) {
    const bool nothing =
        it->value().is_null() || (it->value().is_string() && it->value().get_string().empty());
    if (nothing) {
      it = object->stable_erase(it);
    } else {
      prune(it->value());
      ++it;
    }
  }
}

}  // namespace kneepoint::verbs
