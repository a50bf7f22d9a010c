#include "run/point.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace kneepoint::run {
namespace {

using json::Array;
using json::Object;
using json::Value;
using metrics::kMetrics;

constexpr std::array<std::string_view, 5> kEnds{"complete", "confident", "time-cap", "interrupted",
                                                "server-gone"};
constexpr std::array<std::string_view, 4> kPatterns{"unknown", "one", "every-n", "mixed"};

double to_seconds(Nanos time) { return static_cast<double>(time.count()) / 1e9; }
double to_ms(Nanos time) { return static_cast<double>(time.count()) / 1e6; }

/// A member without a figure is null, not left out: a reader can tell it from a slip of the pen.
Value number(double value) { return std::isfinite(value) ? Value(value) : Value(nullptr); }

template <class Rated>
Value number(const std::optional<Rate<Rated>>& rate) {
  return rate ? Value(rate->per_second()) : Value(nullptr);
}

// ---- writing ----

Value to_json(const metrics::Spread& spread) {
  return Object{{"mean", number(spread.mean)}, {"p50", number(spread.p50)},
                {"p90", number(spread.p90)},   {"p95", number(spread.p95)},
                {"p99", number(spread.p99)},   {"max", number(spread.max)},
                {"values", spread.values}};
}

Value to_json(const std::optional<metrics::MeanInterval>& interval) {
  if (!interval) return nullptr;
  return Object{{"mean", number(interval->mean)},
                {"half_width", number(interval->half_width)},
                {"level", interval->level},
                {"values", interval->values},
                {"batches", interval->batches},
                {"batch_size", interval->batch_size},
                {"batch_correlation", number(interval->batch_correlation)}};
}

Value to_json(const metrics::Window& window) {
  return Object{{"from_s", to_seconds(window.from)}, {"to_s", to_seconds(window.to)}};
}

Value window_json(const PointRecord& point) {
  const metrics::Summary& s = point.summary;
  Object out = to_json(s.window).as_object();
  out.emplace("warmup", point.warmup);
  out.emplace("requests", s.requests);
  for (const metrics::Outcome outcome : metrics::kOutcomes) {
    const std::string_view name = metrics::name(outcome);
    out.emplace(name == "timed-out" ? "timed_out" : name, s.of(outcome));
  }
  return out;
}

Value goodput_json(const metrics::Summary& s) {
  if (s.bounds.empty()) return nullptr;
  Array bounds;
  for (const metrics::Bound& bound : s.bounds) {
    bounds.push_back(
        Object{{"metric", metrics::name(bound.metric)}, {"at_most_ms", to_ms(bound.at_most)}});
  }
  return Object{{"bounds", std::move(bounds)},
                {"good_share", s.good_share ? Value(*s.good_share) : Value(nullptr)},
                {"requests_per_second", number(s.goodput)}};
}

Value tokens_json(const PointRecord& point) {
  const TokenCheck& t = point.tokens;
  const metrics::StreamingPattern& pattern = point.summary.pattern;
  return Object{{"prompts", t.prompts},
                {"counted_by", point.summary.tokens_counted_by},
                {"counts_disagree", point.summary.counts_disagree},
                {"input_wanted_mean", number(t.input_wanted_mean)},
                {"input_counted_mean", number(t.input_counted_mean)},
                {"output_wanted_mean", number(t.output_wanted_mean)},
                {"output_counted_mean", number(t.output_counted_mean)},
                {"stopped_early", t.stopped_early},
                {"streaming", Object{{"kind", kPatterns.at(static_cast<std::size_t>(pattern.kind))},
                                     {"tokens_per_event", pattern.tokens_per_event},
                                     {"first_alone", pattern.first_alone},
                                     {"itl_marked", pattern.itl_marked()}}}};
}

Value self_json(const PointRecord& point) {
  const SelfCheck& self = point.self;
  return Object{{"valid", self.valid},
                {"reason", self.reason},
                {"send_lateness_ms", to_json(self.send_lateness)},
                {"send_delay_ms", to_json(point.summary.send_delay)},
                {"read_lag_ms", to_json(self.read_lag)},
                {"core_share", number(self.core_share)},
                {"cpu_seconds", number(self.cpu_seconds)},
                {"offered_rate", number(self.offered_rate)},
                {"achieved_rate", number(self.achieved_rate)},
                {"most_in_flight", self.most_in_flight}};
}

Value to_json(const Slice& slice) {
  return Object{{"from_s", to_seconds(slice.from)},
                {"length_s", to_seconds(slice.length)},
                {"sent", slice.sent},
                {"completed", slice.completed},
                {"failed", slice.failed},
                {"output_tokens_per_second", number(slice.output_tokens_per_second)},
                {"in_flight_mean", number(slice.in_flight_mean)},
                {"ttft_p50_ms", number(slice.ttft_p50_ms)},
                {"ttft_p99_ms", number(slice.ttft_p99_ms)},
                {"itl_p50_ms", number(slice.itl_p50_ms)},
                {"itl_p99_ms", number(slice.itl_p99_ms)}};
}

Value to_json(const metrics::GaugeSummary& gauge) {
  return Object{{"mean", number(gauge.mean)}, {"max", number(gauge.max)}};
}

/// The figures of ServerSignals and of its samples, by name: written and read by one list.
template <class Signals, class Visit>
void each_figure(Signals& signals, Visit visit) {
  visit("preemptions", signals.preemptions);
  visit("prompt_tokens_per_second", signals.prompt_tokens_per_second);
  visit("generation_tokens_per_second", signals.generation_tokens_per_second);
  visit("prefix_hit_share", signals.prefix_hit_share);
  visit("ttft_mean_ms", signals.ttft_mean_ms);
  visit("tpot_mean_ms", signals.tpot_mean_ms);
  visit("itl_mean_ms", signals.itl_mean_ms);
  visit("e2e_mean_ms", signals.e2e_mean_ms);
  visit("queue_mean_ms", signals.queue_mean_ms);
}
template <class Sample, class Visit>
void each_signal(Sample& sample, Visit visit) {
  visit("running", sample.running);
  visit("waiting", sample.waiting);
  visit("kv_use", sample.kv_use);
  visit("preemptions", sample.preemptions);
  visit("prompt_tokens", sample.prompt_tokens);
  visit("generation_tokens", sample.generation_tokens);
}

Value to_json(const metrics::ServerSignals& signals) {
  Object out{{"server", signals.server},
             {"version", signals.version},
             {"running", to_json(signals.running)},
             {"waiting", to_json(signals.waiting)},
             {"kv_use", to_json(signals.kv_use)}};
  each_figure(signals, [&](const char* key, double value) { out.emplace(key, number(value)); });
  Array samples;
  for (const metrics::SignalSample& sample : signals.samples) {
    Object one{{"at_s", to_seconds(sample.at)}};
    each_signal(sample, [&](const char* key, double value) { one.emplace(key, number(value)); });
    samples.push_back(std::move(one));
  }
  out.emplace("samples", std::move(samples));
  out.emplace("warnings", Array(signals.warnings.begin(), signals.warnings.end()));
  return out;
}

std::string to_hex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

// ---- reading ----

/// What is missing or of another type is told once, by the first place found.
class Reader {
 public:
  explicit Reader(const Value& value) : value_(&value) {}

  Reader at(std::string_view key) {
    if (value_ == nullptr || !value_->is_object()) return Reader(*this, nullptr, key);
    return Reader(*this, value_->get_object().if_contains(key), key);
  }
  bool is_null() const { return value_ == nullptr || value_->is_null(); }

  double real() {
    if (is_null()) return metrics::kMissing;
    if (!value_->is_number()) return wrong("must be a number"), metrics::kMissing;
    return value_->to_number<double>();
  }
  std::int64_t integer() {
    if (value_ != nullptr && value_->is_int64()) return value_->get_int64();
    if (value_ != nullptr && value_->is_uint64()) {
      return static_cast<std::int64_t>(value_->get_uint64());
    }
    return wrong("must be a whole number"), 0;
  }
  std::uint64_t count() {
    const std::int64_t value = integer();
    if (value < 0) wrong("must not be negative");
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, value));
  }
  Nanos seconds() {
    const double value = real();
    if (!(std::abs(value) < 9e9)) return wrong("must be a time in seconds"), Nanos(0);
    return Nanos(std::llround(value * 1e9));
  }
  std::string text() {
    if (value_ != nullptr && value_->is_string()) return std::string(value_->get_string());
    return wrong("must be a text"), "";
  }
  bool flag() {
    if (value_ != nullptr && value_->is_bool()) return value_->get_bool();
    return wrong("must be true or false"), false;
  }
  template <class Each>
  void each(Each each) {
    if (value_ == nullptr || !value_->is_array()) return wrong("must be a list");
    for (const Value& item : value_->get_array()) each(Reader(*this, &item, "item"));
  }
  template <std::size_t N>
  std::size_t one_of(const std::array<std::string_view, N>& words) {
    const std::string word = text();
    for (std::size_t i = 0; i < N; ++i) {
      if (words[i] == word) return i;
    }
    return wrong("is no word known here"), 0;
  }

  void wrong(std::string_view what) {
    if (!root().error_.empty()) return;
    root().error_ = fmt::format("load point: {}: {}", place_, what);
  }
  const std::string& error() const { return error_; }
  const Value* value() const { return value_; }

 private:
  Reader(Reader& parent, const Value* value, std::string_view key)
      : value_(value),
        root_(&parent.root()),
        place_(parent.place_.empty() ? std::string(key) : parent.place_ + "." + std::string(key)) {}
  Reader& root() { return root_ == nullptr ? *this : *root_; }

  const Value* value_;
  Reader* root_ = nullptr;
  std::string place_;
  std::string error_;  // of the root
};

metrics::Spread read_spread(Reader in) {
  return {.values = in.at("values").count(),
          .mean = in.at("mean").real(),
          .p50 = in.at("p50").real(),
          .p90 = in.at("p90").real(),
          .p95 = in.at("p95").real(),
          .p99 = in.at("p99").real(),
          .max = in.at("max").real()};
}

std::optional<metrics::MeanInterval> read_interval(Reader in) {
  if (in.is_null()) return std::nullopt;
  return metrics::MeanInterval{.mean = in.at("mean").real(),
                               .half_width = in.at("half_width").real(),
                               .level = in.at("level").real(),
                               .values = in.at("values").count(),
                               .batches = in.at("batches").count(),
                               .batch_size = in.at("batch_size").count(),
                               .batch_correlation = in.at("batch_correlation").real()};
}

template <class Kind>
std::optional<Rate<Kind>> read_rate(Reader in) {
  if (in.is_null()) return std::nullopt;
  return Rate<Kind>(in.real());
}

std::string spread_key(metrics::Metric metric) {
  return std::string(metrics::name(metric)) + "_ms";
}

void read_summary(Reader& in, PointRecord& point) {
  metrics::Summary& s = point.summary;
  Reader window = in.at("window");
  s.window = {window.at("from_s").seconds(), window.at("to_s").seconds()};
  point.warmup = window.at("warmup").text();
  s.requests = window.at("requests").count();
  for (const metrics::Outcome outcome : metrics::kOutcomes) {
    const std::string_view name = metrics::name(outcome);
    s.by_outcome[static_cast<std::size_t>(outcome)] =
        window.at(name == "timed-out" ? "timed_out" : name).count();
  }
  for (const metrics::Metric metric : kMetrics) {
    s.latency[static_cast<std::size_t>(metric)] = read_spread(in.at(spread_key(metric)));
  }
  s.requests_per_second = read_rate<Requests>(in.at("requests_per_second"));
  s.output_rate = read_rate<Tokens>(in.at("output_tokens_per_second"));
  s.input_rate = read_rate<Tokens>(in.at("input_tokens_per_second"));
  if (Reader goodput = in.at("goodput"); !goodput.is_null()) {
    goodput.at("bounds").each([&](Reader bound) {
      const auto metric = metrics::parse_metric(bound.at("metric").text());
      if (!metric) return bound.wrong("names no metric");
      s.bounds.push_back({*metric, Nanos(std::llround(bound.at("at_most_ms").real() * 1e6))});
    });
    if (Reader share = goodput.at("good_share"); !share.is_null()) s.good_share = share.real();
    s.goodput = read_rate<Requests>(goodput.at("requests_per_second"));
  }
}

void read_tokens(Reader in, PointRecord& point) {
  point.summary.tokens_counted_by = in.at("counted_by").text();
  point.summary.counts_disagree = in.at("counts_disagree").count();
  point.tokens = {.prompts = in.at("prompts").text(),
                  .input_wanted_mean = in.at("input_wanted_mean").real(),
                  .input_counted_mean = in.at("input_counted_mean").real(),
                  .output_wanted_mean = in.at("output_wanted_mean").real(),
                  .output_counted_mean = in.at("output_counted_mean").real(),
                  .stopped_early = in.at("stopped_early").count()};
  Reader streaming = in.at("streaming");
  point.summary.pattern = {
      static_cast<metrics::StreamingPattern::Kind>(streaming.at("kind").one_of(kPatterns)),
      streaming.at("tokens_per_event").real(), streaming.at("first_alone").flag()};
}

void read_self(Reader in, PointRecord& point) {
  point.summary.send_delay = read_spread(in.at("send_delay_ms"));
  point.self = {.send_lateness = read_spread(in.at("send_lateness_ms")),
                .read_lag = read_spread(in.at("read_lag_ms")),
                .core_share = in.at("core_share").real(),
                .cpu_seconds = in.at("cpu_seconds").real(),
                .offered_rate = in.at("offered_rate").real(),
                .achieved_rate = in.at("achieved_rate").real(),
                .most_in_flight = in.at("most_in_flight").integer(),
                .valid = in.at("valid").flag(),
                .reason = in.at("reason").text()};
}

Slice read_slice(Reader in) {
  return {.from = in.at("from_s").seconds(),
          .length = in.at("length_s").seconds(),
          .sent = in.at("sent").count(),
          .completed = in.at("completed").count(),
          .failed = in.at("failed").count(),
          .output_tokens_per_second = in.at("output_tokens_per_second").real(),
          .in_flight_mean = in.at("in_flight_mean").real(),
          .ttft_p50_ms = in.at("ttft_p50_ms").real(),
          .ttft_p99_ms = in.at("ttft_p99_ms").real(),
          .itl_p50_ms = in.at("itl_p50_ms").real(),
          .itl_p99_ms = in.at("itl_p99_ms").real()};
}

std::optional<metrics::ServerSignals> read_server(Reader in) {
  if (in.is_null()) return std::nullopt;
  metrics::ServerSignals out;
  out.server = in.at("server").text();
  out.version = in.at("version").text();
  const auto gauge = [&](std::string_view key) {
    Reader from = in.at(key);
    return metrics::GaugeSummary{from.at("mean").real(), from.at("max").real()};
  };
  out.running = gauge("running");
  out.waiting = gauge("waiting");
  out.kv_use = gauge("kv_use");
  each_figure(out, [&](const char* key, double& value) { value = in.at(key).real(); });
  in.at("samples").each([&](Reader item) {
    metrics::SignalSample sample;
    sample.at = item.at("at_s").seconds();
    each_signal(sample, [&](const char* key, double& value) { value = item.at(key).real(); });
    out.samples.push_back(sample);
  });
  in.at("warnings").each([&](Reader item) { out.warnings.push_back(item.text()); });
  return out;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

void read_histograms(Reader in, PointRecord& point) {
  if (in.is_null()) return;
  for (const metrics::Metric metric : kMetrics) {
    Reader one = in.at(metrics::name(metric));
    const auto bytes = from_hex(one.text());
    const auto histogram = metrics::Histogram::from_bytes(bytes.value_or(""));
    if (!histogram) return one.wrong(histogram.error().message);
    point.latency.push_back(*histogram);
  }
}

}  // namespace

std::string_view name(PointEnd end) { return kEnds[static_cast<std::size_t>(end)]; }

Value to_json(const PointRecord& point) {
  const metrics::Summary& s = point.summary;
  Object out{{"index", point.index},
             {"started_at", point.started_at},
             {"took_s", to_seconds(point.took)},
             {"end", name(point.end)},
             {"workload", workload::to_json(point.spec)},
             {"requests", Object{{"sent", point.requests_sent},
                                 {"completed", point.requests_completed},
                                 {"failed", point.requests_failed}}},
             {"window", window_json(point)},
             {"requests_per_second", number(s.requests_per_second)},
             {"output_tokens_per_second", number(s.output_rate)},
             {"input_tokens_per_second", number(s.input_rate)}};
  for (const metrics::Metric metric : kMetrics)
    out.emplace(spread_key(metric), to_json(s.of(metric)));
  out.emplace("goodput", goodput_json(s));
  out.emplace("confidence",
              Object{{"ttft_ms", to_json(point.ttft_interval)},
                     {"e2e_ms", to_json(point.e2e_interval)},
                     {"output_tokens_per_second", to_json(point.output_rate_interval)}});
  out.emplace("tokens", tokens_json(point));
  out.emplace("self", self_json(point));
  Array errors;
  for (const ErrorCount& error : point.errors) {
    errors.push_back(
        Object{{"what", error.what}, {"count", error.count}, {"example", error.example}});
  }
  out.emplace("errors", std::move(errors));
  out.emplace("remarks", Array(point.remarks.begin(), point.remarks.end()));
  out.emplace("server", point.server ? to_json(*point.server) : Value(nullptr));
  Array slices;
  for (const Slice& slice : point.slices) slices.push_back(to_json(slice));
  out.emplace("slices", std::move(slices));
  if (point.latency.size() == kMetrics.size()) {
    Object histograms;
    for (const metrics::Metric metric : kMetrics) {
      histograms.emplace(metrics::name(metric),
                         to_hex(point.latency[static_cast<std::size_t>(metric)].to_bytes()));
    }
    out.emplace("histograms", std::move(histograms));
  } else {
    out.emplace("histograms", nullptr);
  }
  return out;
}

Result<PointRecord> point_from_json(const Value& value) {
  Reader in(value);
  if (!value.is_object()) {
    return fail(ErrorCode::InvalidArgument, "load point: must be an object");
  }
  PointRecord out;
  out.index = in.at("index").integer();
  out.started_at = in.at("started_at").text();
  out.took = in.at("took_s").seconds();
  out.end = static_cast<PointEnd>(in.at("end").one_of(kEnds));
  const Value* spec = in.at("workload").value();
  auto read = workload::from_json(spec == nullptr ? Value(nullptr) : *spec);
  if (!read) return fail(std::move(read.error()).during("load point: workload"));
  out.spec = std::move(*read);
  Reader requests = in.at("requests");
  out.requests_sent = requests.at("sent").count();
  out.requests_completed = requests.at("completed").count();
  out.requests_failed = requests.at("failed").count();
  read_summary(in, out);
  Reader confidence = in.at("confidence");
  out.ttft_interval = read_interval(confidence.at("ttft_ms"));
  out.e2e_interval = read_interval(confidence.at("e2e_ms"));
  out.output_rate_interval = read_interval(confidence.at("output_tokens_per_second"));
  read_tokens(in.at("tokens"), out);
  read_self(in.at("self"), out);
  in.at("errors").each([&](Reader item) {
    out.errors.push_back(
        {item.at("what").text(), item.at("count").count(), item.at("example").text()});
  });
  in.at("remarks").each([&](Reader item) { out.remarks.push_back(item.text()); });
  out.server = read_server(in.at("server"));
  in.at("slices").each([&](Reader item) { out.slices.push_back(read_slice(item)); });
  read_histograms(in.at("histograms"), out);
  if (!in.error().empty()) return fail(ErrorCode::InvalidArgument, in.error());
  return out;
}

}  // namespace kneepoint::run
