#include "profile/json.h"

#include <fmt/format.h>

#include <cmath>
#include <set>

#include "base/date.h"

namespace kneepoint::profile {
namespace {

using json::Array;
using json::Object;
using json::Value;
using metrics::Metric;
using metrics::Statistic;

// ---- writing: members in schema order, unknown figures left out ----

void put(Object& out, std::string_view key, const std::string& text) {
  if (!text.empty()) out.emplace(key, text);
}
void put(Object& out, std::string_view key, double value) {
  if (!metrics::is_missing(value)) out.emplace(key, value);
}
template <class T>
void put(Object& out, std::string_view key, const std::optional<T>& value) {
  if (value) out.emplace(key, *value);
}

Object role_json(const Role& role) {
  Object out;
  put(out, "workers", role.workers);
  put(out, "tensor_parallel", role.tensor_parallel);
  put(out, "expert_parallel", role.expert_parallel);
  put(out, "attention_dp", role.attention_dp);
  return out;
}

Object setup_json(const ServingSetup& s) {
  Object out;
  put(out, "model", s.model);
  put(out, "checkpoint", s.checkpoint);
  put(out, "model_server", s.model_server);
  put(out, "model_server_version", s.model_server_version);
  put(out, "container_image", s.container_image);
  put(out, "serving_stack", s.serving_stack);
  put(out, "serving_stack_version", s.serving_stack_version);
  put(out, "accelerator", s.accelerator);
  put(out, "accelerator_count", s.accelerator_count);
  put(out, "tensor_parallel", s.tensor_parallel);
  put(out, "pipeline_parallel", s.pipeline_parallel);
  put(out, "data_parallel", s.data_parallel);
  put(out, "expert_parallel", s.expert_parallel);
  put(out, "weight_precision", s.weight_precision);
  put(out, "kv_precision", s.kv_precision);
  put(out, "decoding", s.decoding);
  put(out, "speculative_decoding", s.speculative_decoding);
  if (Object role = role_json(s.prefill); !role.empty()) out.emplace("prefill", std::move(role));
  if (Object role = role_json(s.decode); !role.empty()) out.emplace("decode", std::move(role));
  put(out, "topology_from", s.topology_from);
  put(out, "recorded_topology", s.recorded_topology);
  put(out, "server_settings", s.server_settings);
  return out;
}

/// Calls `visit(name, member)` for each figure of the server.
void visit_server(auto& server, auto&& visit) {
  visit("running_mean", server.running_mean);
  visit("running_max", server.running_max);
  visit("waiting_mean", server.waiting_mean);
  visit("waiting_max", server.waiting_max);
  visit("kv_use_mean", server.kv_use_mean);
  visit("kv_use_max", server.kv_use_max);
  visit("preemptions", server.preemptions);
  visit("prefix_hit_share", server.prefix_hit_share);
}

void visit_bands(auto& bands, auto&& visit) {
  visit("ttft_ms", bands.ttft_low, bands.ttft_high);
  visit("tpot_ms", bands.tpot_low, bands.tpot_high);
  visit("e2e_ms", bands.e2e_low, bands.e2e_high);
}

Object point_json(const Point& p) {
  Object out;
  put(out, "id", p.id);
  put(out, "load", p.at.load);
  put(out, "requests_per_second", p.at.requests_per_second);
  put(out, "output_tokens_per_second", p.at.output_tokens_per_second);
  put(out, "input_tokens_per_second", p.at.input_tokens_per_second);
  put(out, "request_count", p.request_count);
  put(out, "error_count", p.error_count);
  put(out, "input_tokens_mean", p.input_tokens_mean);
  put(out, "output_tokens_mean", p.output_tokens_mean);
  for (const Metric metric : metrics::kMetrics) {
    Object figures;
    for (const Statistic statistic : metrics::kStatistics) {
      put(figures, metrics::name(statistic), p.at.latency.get(metric, statistic));
    }
    if (!figures.empty()) {
      out.emplace(std::string(metrics::name(metric)) + "_ms", std::move(figures));
    }
  }
  Object bands;
  visit_bands(p.bands, [&bands](std::string_view key, const auto& low, const auto& high) {
    if (low && high) bands.emplace(key, Object{{"low", *low}, {"high", *high}});
  });
  if (!bands.empty()) out.emplace("band_80", std::move(bands));
  Object server;
  visit_server(p.server, [&server](std::string_view key, std::optional<double> value) {
    put(server, key, value);
  });
  if (!server.empty()) out.emplace("server", std::move(server));
  put(out, "measured_on", p.measured_on);
  put(out, "source_ref", p.source_ref);
  put(out, "server_settings", p.server_settings);
  put(out, "derived", p.derived);
  put(out, "flags", p.flags);
  return out;
}

// ---- reading: every member is taken by name; what is left over is unknown ----

/// One JSON object being read. The first thing that is wrong is remembered with its place; later
/// ones are not looked at.
class Reader {
 public:
  Reader(const Value& value, std::string place, std::optional<Error>& error)
      : place_(std::move(place)), error_(error) {
    if (!value.is_object()) {
      wrong("", "must be an object");
    } else {
      object_ = &value.get_object();
    }
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// Call last: refuses members nobody took.
  void finish() {
    if (object_ == nullptr || error_) return;
    for (const auto& member : *object_) {
      if (!taken_.contains(std::string(member.key()))) {
        return wrong(member.key(), "unknown member");
      }
    }
  }

  const Value* take(std::string_view key) {
    taken_.emplace(key);
    if (object_ == nullptr) return nullptr;
    const Value* value = object_->if_contains(key);
    return value == nullptr || value->is_null() ? nullptr : value;
  }

  void read(std::string_view key, std::string& out, bool required = false) {
    const Value* value = take(key);
    if (value == nullptr) {
      if (required) wrong(key, "is missing");
    } else if (!value->is_string()) {
      wrong(key, "must be a string");
    } else if (value->get_string().find('\0') != std::string::npos) {
      wrong(key, "must not hold a NUL character");
    } else {
      out = std::string(value->get_string());
      if (required && out.empty()) wrong(key, "must not be empty");
    }
  }
  void read(std::string_view key, std::optional<double>& out) {
    const Value* value = take(key);
    if (value == nullptr) return;
    const auto number = finite(*value);
    if (!number || *number < 0) return wrong(key, "must be a finite number of at least 0");
    out = number;
  }
  void read(std::string_view key, double& out) {
    std::optional<double> value;
    read(key, value);
    if (value) out = *value;
  }
  void read(std::string_view key, std::optional<int>& out) {
    const Value* value = take(key);
    if (value == nullptr) return;
    const auto number = finite(*value);
    if (!number || *number < 0 || *number > 1'000'000 || *number != std::floor(*number)) {
      return wrong(key, "must be a whole number from 0 to 1000000");
    }
    out = static_cast<int>(*number);
  }
  void read(std::string_view key, std::optional<bool>& out) {
    const Value* value = take(key);
    if (value == nullptr) return;
    if (!value->is_bool()) return wrong(key, "must be true or false");
    out = value->get_bool();
  }

  void wrong(std::string_view key, std::string_view what) {
    if (error_) return;
    std::string where = place_;
    if (!key.empty()) where += (where.empty() ? "" : ".") + std::string(key.substr(0, 80));
    error_ = Error{ErrorCode::InvalidArgument, fmt::format("{}: {}", where, what)};
  }
  std::string place(std::string_view key) const {
    return place_.empty() ? std::string(key) : place_ + "." + std::string(key);
  }
  std::optional<Error>& error() { return error_; }

 private:
  static std::optional<double> finite(const Value& value) {
    if (!value.is_number()) return {};
    const double number = value.is_double()  ? value.get_double()
                          : value.is_int64() ? static_cast<double>(value.get_int64())
                                             : static_cast<double>(value.get_uint64());
    return std::isfinite(number) ? std::optional(number) : std::nullopt;
  }

  const Object* object_ = nullptr;
  std::string place_;
  std::optional<Error>& error_;
  std::set<std::string, std::less<>> taken_;
};

void read_role(Reader& parent, std::string_view key, Role& role) {
  const Value* value = parent.take(key);
  if (value == nullptr) return;
  Reader in(*value, parent.place(key), parent.error());
  in.read("workers", role.workers);
  in.read("tensor_parallel", role.tensor_parallel);
  in.read("expert_parallel", role.expert_parallel);
  in.read("attention_dp", role.attention_dp);
  in.finish();
}

void read_setup(Reader& parent, ServingSetup& s) {
  const Value* value = parent.take("setup");
  if (value == nullptr) return parent.wrong("setup", "is missing");
  Reader in(*value, parent.place("setup"), parent.error());
  in.read("model", s.model, true);
  in.read("checkpoint", s.checkpoint);
  in.read("model_server", s.model_server, true);
  in.read("model_server_version", s.model_server_version);
  in.read("container_image", s.container_image);
  in.read("serving_stack", s.serving_stack);
  in.read("serving_stack_version", s.serving_stack_version);
  in.read("accelerator", s.accelerator, true);
  in.read("accelerator_count", s.accelerator_count);
  in.read("tensor_parallel", s.tensor_parallel);
  in.read("pipeline_parallel", s.pipeline_parallel);
  in.read("data_parallel", s.data_parallel);
  in.read("expert_parallel", s.expert_parallel);
  in.read("weight_precision", s.weight_precision);
  in.read("kv_precision", s.kv_precision);
  in.read("decoding", s.decoding, true);
  if (s.decoding != "serving" && s.decoding != "speculative" && s.decoding != "disaggregated") {
    in.wrong("decoding", "must be serving, speculative or disaggregated");
  }
  in.read("speculative_decoding", s.speculative_decoding);
  read_role(in, "prefill", s.prefill);
  read_role(in, "decode", s.decode);
  in.read("topology_from", s.topology_from);
  in.read("recorded_topology", s.recorded_topology);
  in.read("server_settings", s.server_settings);
  in.finish();
}

void read_workload(Reader& parent, Workload& w) {
  const Value* value = parent.take("workload");
  if (value == nullptr) return;
  Reader in(*value, parent.place("workload"), parent.error());
  in.read("name", w.name);
  in.read("input_tokens_nominal", w.input_tokens_nominal);
  in.read("output_tokens_nominal", w.output_tokens_nominal);
  in.read("input_tokens_mean", w.input_tokens_mean);
  in.read("output_tokens_mean", w.output_tokens_mean);
  in.finish();
}

void read_evidence(Reader& parent, Evidence& e) {
  const Value* value = parent.take("evidence");
  if (value == nullptr) return parent.wrong("evidence", "is missing: every number needs one");
  Reader in(*value, parent.place("evidence"), parent.error());
  std::string kind;
  in.read("kind", kind, true);
  if (const auto known = parse_evidence_kind(kind)) {
    e.kind = *known;
  } else {
    in.wrong("kind", "must be measured, published or predicted");
  }
  in.read("source", e.source, true);
  in.read("licence", e.licence);
  if (const Value* prediction = in.take("prediction"); prediction != nullptr) {
    PredictionEvidence& of = e.prediction;
    Reader about(*prediction, in.place("prediction"), in.error());
    about.read("by", of.by);
    about.read("nearest", of.nearest);
    about.read("extrapolated", of.extrapolated);
    about.read("ttft_error", of.ttft_error);
    about.read("tpot_error", of.tpot_error);
    about.read("e2e_error", of.e2e_error);
    about.finish();
    if (e.kind != EvidenceKind::Predicted) in.wrong("prediction", "is for predicted profiles");
  }
  in.finish();
}

void read_point(const Value& value, const std::string& place, std::optional<Error>& error,
                Point& p) {
  Reader in(value, place, error);
  in.read("id", p.id);
  in.read("load", p.at.load);
  if (!(p.at.load > 0)) in.wrong("load", "must be above 0");
  in.read("requests_per_second", p.at.requests_per_second);
  in.read("output_tokens_per_second", p.at.output_tokens_per_second);
  in.read("input_tokens_per_second", p.at.input_tokens_per_second);
  in.read("request_count", p.request_count);
  in.read("error_count", p.error_count);
  in.read("input_tokens_mean", p.input_tokens_mean);
  in.read("output_tokens_mean", p.output_tokens_mean);
  for (const Metric metric : metrics::kMetrics) {
    const std::string key = std::string(metrics::name(metric)) + "_ms";
    const Value* table = in.take(key);
    if (table == nullptr) continue;
    Reader figures(*table, in.place(key), error);
    for (const Statistic statistic : metrics::kStatistics) {
      std::optional<double> ms;
      figures.read(metrics::name(statistic), ms);
      if (ms) p.at.latency.set(metric, statistic, *ms);
    }
    figures.finish();
  }
  if (const Value* bands = in.take("band_80"); bands != nullptr) {
    Reader all(*bands, in.place("band_80"), error);
    visit_bands(p.bands, [&](std::string_view key, auto& low, auto& high) {
      const Value* band = all.take(key);
      if (band == nullptr) return;
      Reader ends(*band, all.place(key), error);
      ends.read("low", low);
      ends.read("high", high);
      if (!low || !high || *low > *high) ends.wrong("", "must be an end low and an end high");
      ends.finish();
    });
    all.finish();
  }
  if (const Value* server = in.take("server"); server != nullptr) {
    Reader figures(*server, in.place("server"), error);
    visit_server(p.server, [&figures](std::string_view key, std::optional<double>& figure) {
      figures.read(key, figure);
    });
    figures.finish();
  }
  in.read("measured_on", p.measured_on);
  if (!p.measured_on.empty() && !parse_date(p.measured_on)) {
    in.wrong("measured_on", "must be a date such as 2026-08-21");
  }
  in.read("source_ref", p.source_ref);
  in.read("server_settings", p.server_settings);
  in.read("derived", p.derived);
  in.read("flags", p.flags);
  in.finish();
}

}  // namespace

Value to_json(const Profile& profile) {
  Object out;
  out.emplace("schema", fmt::format("kneepoint.profile.v{}", kSchemaVersion));
  put(out, "id", profile.id);
  put(out, "series_id", profile.series_id);
  put(out, "curve_id", profile.curve_id);
  out.emplace("setup", setup_json(profile.setup));
  Object workload;
  put(workload, "name", profile.workload.name);
  put(workload, "input_tokens_nominal", profile.workload.input_tokens_nominal);
  put(workload, "output_tokens_nominal", profile.workload.output_tokens_nominal);
  put(workload, "input_tokens_mean", profile.workload.input_tokens_mean);
  put(workload, "output_tokens_mean", profile.workload.output_tokens_mean);
  if (!workload.empty()) out.emplace("workload", std::move(workload));
  out.emplace("load_kind", curve::name(profile.load_kind));
  Object evidence;
  evidence.emplace("kind", name(profile.evidence.kind));
  put(evidence, "source", profile.evidence.source);
  put(evidence, "licence", profile.evidence.licence);
  if (profile.evidence.kind == EvidenceKind::Predicted) {
    const PredictionEvidence& of = profile.evidence.prediction;
    Object prediction;
    put(prediction, "by", of.by);
    put(prediction, "nearest", of.nearest);
    put(prediction, "extrapolated", of.extrapolated);
    put(prediction, "ttft_error", of.ttft_error);
    put(prediction, "tpot_error", of.tpot_error);
    put(prediction, "e2e_error", of.e2e_error);
    if (!prediction.empty()) evidence.emplace("prediction", std::move(prediction));
  }
  out.emplace("evidence", std::move(evidence));
  Array points;
  for (const Point& point : profile.points) points.push_back(point_json(point));
  out.emplace("points", std::move(points));
  return out;
}

Result<Profile> from_json(const Value& value) {
  std::optional<Error> error;
  Profile p;
  Reader in(value, "", error);
  std::string schema;
  in.read("schema", schema, true);
  const std::string known = fmt::format("kneepoint.profile.v{}", kSchemaVersion);
  if (!error && schema != known) {
    return fail(ErrorCode::Incompatible,
                fmt::format("schema '{}' is not read by this version, which reads '{}'",
                            schema.substr(0, 80), known));
  }
  in.read("id", p.id, true);
  in.read("series_id", p.series_id);
  in.read("curve_id", p.curve_id);
  read_setup(in, p.setup);
  read_workload(in, p.workload);
  std::string kind;
  in.read("load_kind", kind, true);
  if (const auto parsed = curve::parse_load_kind(kind)) {
    p.load_kind = *parsed;
  } else {
    in.wrong("load_kind", "must be concurrency, request_rate or burst");
  }
  read_evidence(in, p.evidence);
  const Value* points = in.take("points");
  if (points == nullptr || !points->is_array() || points->get_array().empty()) {
    in.wrong("points", "must be a list of at least one point");
  } else {
    for (const Value& one : points->get_array()) {
      const std::string place = fmt::format("points[{}]", p.points.size());
      read_point(one, place, error, p.points.emplace_back());
      if (error) break;
      const std::size_t n = p.points.size();
      if (n > 1 && p.points[n - 1].at.load < p.points[n - 2].at.load) {
        in.wrong(place + ".load", "points must come in ascending load");
      }
    }
  }
  in.finish();
  if (error) return fail(*std::move(error));
  return p;
}

}  // namespace kneepoint::profile
