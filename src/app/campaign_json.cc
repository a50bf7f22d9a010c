#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "app/campaign.h"

/// A campaign's ask as the header of its run directory. Only this program writes it, under a
/// checksum; what a newer one wrote is refused by its schema.
namespace kneepoint::app {
namespace {

using json::Array;
using json::Object;
using json::Value;

constexpr std::string_view kSchema = "kneepoint.campaign.v1";

double seconds(Nanos time) { return std::chrono::duration<double>(time).count(); }
Nanos nanos(double seconds) { return Nanos(std::llround(seconds * 1e9)); }

/// Reads members; the first one that is missing or of another type is remembered.
class Members {
 public:
  Members(const Value* value, std::string place, std::string& wrong)
      : object_(value != nullptr && value->is_object() ? &value->get_object() : nullptr),
        place_(std::move(place)),
        wrong_(wrong) {
    if (object_ == nullptr) miss("");
  }

  const Value* find(std::string_view key) const {
    const Value* value = object_ == nullptr ? nullptr : object_->if_contains(key);
    return value == nullptr || value->is_null() ? nullptr : value;
  }
  Members inside(std::string_view key) const {
    return {find(key), place_ + "." + std::string(key), wrong_};
  }
  void read(std::string_view key, std::string& into) const {
    if (const Value* value = find(key); value == nullptr || !value->is_string()) {
      miss(key);
    } else {
      into = value->get_string();
    }
  }
  void read(std::string_view key, bool& into) const {
    if (const Value* value = find(key); value == nullptr || !value->is_bool()) {
      miss(key);
    } else {
      into = value->get_bool();
    }
  }
  void read(std::string_view key, double& into) const {
    if (const Value* value = find(key); value == nullptr || !value->is_number()) {
      miss(key);
    } else {
      into = value->to_number<double>();
    }
  }
  void read(std::string_view key, Nanos& into) const {
    double value = 0;
    read(key, value);
    into = nanos(value);
  }
  template <class Number>
  void read_some(std::string_view key, std::optional<Number>& into) const {
    if (find(key) == nullptr) return;
    double value = 0;
    read(key, value);
    into = static_cast<Number>(value);
  }
  void read_some(std::string_view key, std::string& into) const {
    if (find(key) != nullptr) read(key, into);
  }

 private:
  void miss(std::string_view key) const {
    if (wrong_.empty()) wrong_ = fmt::format("{}{}{}", place_, key.empty() ? "" : ".", key);
  }

  const Object* object_;
  std::string place_;
  std::string& wrong_;
};

void put(Object& out, std::string_view key, const std::string& text) {
  if (!text.empty()) out.emplace(key, text);
}
void put_path(Object& out, std::string_view key, const std::string& path) {
  if (path.empty()) return;
  std::error_code error;
  const auto whole = std::filesystem::absolute(path, error);
  out.emplace(key, error ? path : whole.string());
}
template <class Number>
void put(Object& out, std::string_view key, const std::optional<Number>& number) {
  if (number) out.emplace(key, *number);
}

Object target_json(const BenchTarget& target) {
  Object out{{"url", target.url},
             {"model", target.model},
             {"api", name(target.api)},
             {"prompts", name(target.prompts)},
             {"ignore_eos", target.ignore_eos},
             {"temperature", target.temperature},
             {"connect_s", seconds(target.patience.connect)},
             {"first_byte_s", seconds(target.patience.first_byte)},
             {"silence_s", seconds(target.patience.silence)},
             {"whole_s", seconds(target.patience.whole)},
             {"verify", target.verify}};
  put(out, "token_env", target.token_env);
  put_path(out, "token_file", target.token_file);
  put_path(out, "header_file", target.header_file);
  put_path(out, "extra_body_file", target.extra_body_file);
  put_path(out, "ca_file", target.ca_file);
  put_path(out, "certificate_file", target.certificate_file);
  put_path(out, "key_file", target.key_file);
  return out;
}

void read_target(const Members& in, BenchTarget& target) {
  std::string api;
  in.read("url", target.url);
  in.read("model", target.model);
  in.read("api", api);
  if (const auto parsed = parse_api(api)) target.api = *parsed;
  std::string prompts;
  in.read("prompts", prompts);
  if (const auto parsed = parse_prompt_kind(prompts)) target.prompts = *parsed;
  in.read("ignore_eos", target.ignore_eos);
  in.read("temperature", target.temperature);
  in.read("connect_s", target.patience.connect);
  in.read("first_byte_s", target.patience.first_byte);
  in.read("silence_s", target.patience.silence);
  in.read("whole_s", target.patience.whole);
  in.read("verify", target.verify);
  in.read_some("token_env", target.token_env);
  in.read_some("token_file", target.token_file);
  in.read_some("header_file", target.header_file);
  in.read_some("extra_body_file", target.extra_body_file);
  in.read_some("ca_file", target.ca_file);
  in.read_some("certificate_file", target.certificate_file);
  in.read_some("key_file", target.key_file);
}

Object options_json(const loadgen::PointOptions& options) {
  Object out{{"least_s", seconds(options.least)}, {"drain_s", seconds(options.drain)}};
  put(out, "confident_within", options.confident_within);
  if (options.time_cap) out.emplace("time_cap_s", seconds(*options.time_cap));
  if (options.warm_up) out.emplace("warm_up_s", seconds(*options.warm_up));
  Array bounds;
  for (const metrics::Bound& bound : options.bounds) {
    bounds.push_back(Object{{"metric", metrics::name(bound.metric)},
                            {"at_most_ms", 1e3 * seconds(bound.at_most)}});
  }
  if (!bounds.empty()) out.emplace("goodput", std::move(bounds));
  return out;
}

void read_options(const Members& in, loadgen::PointOptions& options, std::string& wrong) {
  in.read("least_s", options.least);
  in.read("drain_s", options.drain);
  in.read_some("confident_within", options.confident_within);
  std::optional<double> cap, warm_up;
  in.read_some("warm_up_s", warm_up);
  if (warm_up) options.warm_up = nanos(*warm_up);
  in.read_some("time_cap_s", cap);
  if (cap) options.time_cap = nanos(*cap);
  const Value* bounds = in.find("goodput");
  if (bounds == nullptr || !bounds->is_array()) return;
  for (const Value& value : bounds->get_array()) {
    const Members bound(&value, "options.goodput", wrong);
    std::string metric;
    double ms = 0;
    bound.read("metric", metric);
    bound.read("at_most_ms", ms);
    if (const auto known = metrics::parse_metric(metric)) {
      options.bounds.push_back({*known, nanos(1e-3 * ms)});
    }
  }
}

/// Only what is known: a setup is whole when the server has been asked.
template <class Setup, class Visit>
void visit_setup(Setup& setup, Visit&& visit) {
  visit("model", setup.model);
  visit("checkpoint", setup.checkpoint);
  visit("model_server", setup.model_server);
  visit("model_server_version", setup.model_server_version);
  visit("container_image", setup.container_image);
  visit("accelerator", setup.accelerator);
  visit("accelerator_count", setup.accelerator_count);
  visit("tensor_parallel", setup.tensor_parallel);
  visit("pipeline_parallel", setup.pipeline_parallel);
  visit("data_parallel", setup.data_parallel);
  visit("expert_parallel", setup.expert_parallel);
  visit("weight_precision", setup.weight_precision);
  visit("kv_precision", setup.kv_precision);
  visit("server_settings", setup.server_settings);
}

Object sweep_json(const SweepAsk& sweep) {
  return {{"load", curve::name(sweep.limits.kind)}, {"lowest", sweep.limits.lowest},
          {"lowest_given", sweep.lowest_given},     {"highest", sweep.limits.highest},
          {"precision", sweep.limits.precision},    {"most_points", sweep.limits.most_points},
          {"spec", workload::to_json(sweep.spec)}};
}

Result<SweepAsk> read_sweep(const Members& in) {
  SweepAsk out;
  std::string kind;
  in.read("load", kind);
  if (const auto known = curve::parse_load_kind(kind)) out.limits.kind = *known;
  in.read("lowest", out.limits.lowest);
  in.read("lowest_given", out.lowest_given);
  in.read("highest", out.limits.highest);
  in.read("precision", out.limits.precision);
  double most = 0;
  in.read("most_points", most);
  out.limits.most_points = static_cast<std::size_t>(most);
  if (const Value* spec = in.find("spec"); spec != nullptr) {
    auto read = workload::from_json(*spec);
    if (!read) return fail(std::move(read.error()).during("loads.sweep.spec"));
    out.spec = *std::move(read);
  }
  return out;
}

}  // namespace

json::Value to_json(const CampaignAsk& ask) {
  Object out{{"schema", kSchema}};
  out.emplace("target", target_json(ask.target));
  out.emplace("options", options_json(ask.options));
  Object loads;
  if (ask.sweep) {
    loads.emplace("sweep", sweep_json(*ask.sweep));
  } else {
    Array points;
    for (const workload::RunSpec& spec : ask.points) points.push_back(workload::to_json(spec));
    loads.emplace("points", std::move(points));
  }
  out.emplace("loads", std::move(loads));
  Object setup;
  visit_setup(ask.setup,
              [&setup](std::string_view key, const auto& value) { put(setup, key, value); });
  out.emplace("setup", std::move(setup));
  out.emplace("scrape", ask.scrape);
  out.emplace("keep_profile", ask.keep_profile);
  out.emplace("timelines", ask.timelines);
  return out;
}

Result<CampaignAsk> campaign_from_json(const json::Value& value) {
  std::string wrong;
  const Members in(&value, "header", wrong);
  std::string schema;
  in.read("schema", schema);
  if (schema != kSchema) {
    return fail(ErrorCode::Incompatible,
                fmt::format("this run's header is '{}' and this version reads '{}'",
                            schema.substr(0, 80), kSchema));
  }
  CampaignAsk out;
  read_target(in.inside("target"), out.target);
  read_options(in.inside("options"), out.options, wrong);
  const Members loads = in.inside("loads");
  if (loads.find("sweep") != nullptr) {
    auto sweep = read_sweep(loads.inside("sweep"));
    if (!sweep) return fail(std::move(sweep.error()));
    out.sweep = *std::move(sweep);
  } else if (const Value* points = loads.find("points"); points != nullptr && points->is_array()) {
    for (const Value& point : points->get_array()) {
      auto spec = workload::from_json(point);
      if (!spec) return fail(std::move(spec.error()).during("loads.points"));
      out.points.push_back(*std::move(spec));
    }
  }
  const Members setup = in.inside("setup");
  visit_setup(out.setup,
              [&setup](std::string_view key, auto& member) { setup.read_some(key, member); });
  in.read("scrape", out.scrape);
  in.read("keep_profile", out.keep_profile);
  in.read("timelines", out.timelines);
  if (!wrong.empty()) {
    return fail(ErrorCode::InvalidArgument, wrong + " is missing or of another type");
  }
  if (!out.sweep && out.points.empty()) {
    return fail(ErrorCode::InvalidArgument, "header.loads names no load");
  }
  return out;
}

}  // namespace kneepoint::app
