#include "app/emulate.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "base/text.h"
#include "emulator/emulator.h"
#include "workload/length.h"

namespace kneepoint::app {
namespace {

struct Variant {
  std::string_view name;
  bool emulator::StreamStyle::* field;
  bool value;
};
constexpr std::array kVariants{
    Variant{"crlf", &emulator::StreamStyle::crlf, true},
    Variant{"no-done", &emulator::StreamStyle::done, false},
    Variant{"null-usage", &emulator::StreamStyle::null_usage, true},
    Variant{"usage-on-last", &emulator::StreamStyle::usage_on_last, true},
    Variant{"usage-always", &emulator::StreamStyle::usage_always, true},
    Variant{"no-usage", &emulator::StreamStyle::usage_never, true},
    Variant{"split-writes", &emulator::StreamStyle::split_writes, true},
};

/// Ends the loop when the process is asked to end.
class Signals final : public http::Watcher {
 public:
  explicit Signals(http::Loop& loop) : loop_(loop) {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set_, &before_);
    descriptor_ = signalfd(-1, &set_, SFD_NONBLOCK | SFD_CLOEXEC);
    if (descriptor_ >= 0) {
      if (const auto watch = loop_.watch(descriptor_, *this, false)) watch_ = *watch;
    }
  }
  ~Signals() {
    if (watch_) loop_.unwatch(*watch_);
    if (descriptor_ >= 0) close(descriptor_);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

  void on_ready(http::Ready) override {
    signalfd_siginfo info{};
    while (read(descriptor_, &info, sizeof info) == sizeof info) {
      caught_ = static_cast<int>(info.ssi_signo);
      loop_.stop();
    }
  }
  std::string caught() const {
    return caught_ == SIGINT ? "SIGINT" : caught_ == SIGTERM ? "SIGTERM" : "";
  }

 private:
  http::Loop& loop_;
  int descriptor_ = -1;
  int caught_ = 0;
  std::optional<http::Loop::WatchId> watch_;
  sigset_t set_{}, before_{};
};

/// A stream is a descriptor.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Result<emulator::StreamStyle> style_of(const EmulateQuestion& question) {
  emulator::StreamStyle style;
  style.null_usage = question.server == "sglang";
  style.usage_on_last = question.server == "llama.cpp";
  for (const std::string& word : question.variants) {
    const auto found = std::find_if(kVariants.begin(), kVariants.end(),
                                    [&word](const Variant& v) { return v.name == word; });
    if (found == kVariants.end()) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("--variant: there is no \"{}\"; there are {}", word,
                              join(variant_names(), ", ")));
    }
    style.*found->field = found->value;
  }
  return style;
}

Result<emulator::EmulatorOptions> options_of(const EmulateQuestion& question) {
  emulator::EmulatorOptions out;
  out.host = question.host;
  out.port = static_cast<std::uint16_t>(question.port);
  out.truth_path = question.truth;
  const auto seed = static_cast<std::uint64_t>(question.seed);
  out.script.seed = seed;
  const auto ttft = emulator::parse_delay(question.ttft);
  if (!ttft) return fail(Error(ttft.error()).during("--ttft"));
  out.script.ttft = *ttft;
  const auto itl = emulator::parse_delay(question.itl);
  if (!itl) return fail(Error(itl.error()).during("--itl"));
  out.script.gap = *itl;
  if (question.keep_alive_timeout) {
    const auto idle = emulator::parse_duration(*question.keep_alive_timeout);
    if (!idle) return fail(Error(idle.error()).during("--keep-alive-timeout"));
    out.idle = *idle;
  }

  emulator::ServiceOptions& service = out.service;
  service.model = question.model;
  service.server = question.server;
  service.version = question.version;
  service.max_model_len = question.max_model_len;
  service.default_max_tokens = question.default_max_tokens.value_or(0);
  service.tokens_per_event = question.tokens_per_event;
  service.token = question.token;
  service.seed = seed;
  const auto style = style_of(question);
  if (!style) return fail(style.error());
  service.style = *style;
  if (question.output_tokens) {
    const auto spec = workload::parse_length(*question.output_tokens);
    if (!spec) return fail(Error(spec.error()).during("--output-tokens"));
    auto length = workload::make_length(*spec, workload::Side::Output);
    if (!length) return fail(Error(length.error()).during("--output-tokens"));
    service.stop_after = std::move(*length);
  }
  std::vector<emulator::Fault> faults;
  for (const std::string& text : question.faults) {
    const auto fault = emulator::parse_fault(text);
    if (!fault) return fail(Error(fault.error()).during("--fault"));
    faults.push_back(*fault);
  }
  service.faults = emulator::FaultPlan(std::move(faults), seed);
  return out;
}

Result<std::unique_ptr<emulator::EngineTiming>> engine_of(const EmulateQuestion& question) {
  const EmulatedEngine& asked = *question.engine;
  const auto coefficients = perfmodel::parse_linear(asked.step_time);
  if (!coefficients) return fail(Error(coefficients.error()).during("--step-time"));
  emulator::EngineTimingOptions options;
  options.engine = asked.limits;
  options.engine.max_model_len = question.max_model_len;
  if (asked.setup) {
    options.step_time = std::make_unique<perfmodel::PartedStepTime>(*asked.setup);
  } else {
    options.step_time = std::make_unique<perfmodel::LinearStepTime>(*coefficients);
  }
  options.step_noise = asked.step_noise;
  options.speed = asked.speed;
  options.seed = static_cast<std::uint64_t>(question.seed);
  return emulator::EngineTiming::make(std::move(options));
}

}  // namespace

std::vector<std::string> variant_names() {
  std::vector<std::string> names;
  for (const Variant& variant : kVariants) names.emplace_back(variant.name);
  return names;
}

Result<EmulateSummary> emulate(const catalog::Catalog& catalog, const EmulateQuestion& question,
                               const std::function<void(const EmulateReady&)>& ready) {
  auto options = options_of(question);
  if (!options) return fail(options.error());
  std::unique_ptr<emulator::EngineTiming> timing;
  if (question.engine) {
    auto made = engine_of(question);
    if (!made) return fail(made.error());
    timing = std::move(*made);
  }
  const emulator::EngineTiming* engine = timing.get();
  raise_descriptor_limit();
  // Requests are read as they come: waiting for more would be a delay nobody scripted.
  auto loop = http::Loop::open({.read_every = Nanos(0)});
  if (!loop) return fail(loop.error());
  Signals signals(**loop);
  auto emulator =
      emulator::Emulator::start(**loop, std::move(*options), catalog, std::move(timing));
  if (!emulator) return fail(emulator.error());
  ready({(*emulator)->url(), (*emulator)->port()});

  const auto begun = (*loop)->now();
  const double cpu_before = cpu_seconds();
  (*loop)->run();

  const auto truth = (*emulator)->finish();
  if (!truth) return fail(Error(truth.error()).during("--truth"));
  if ((*emulator)->died()) {
    return fail(ErrorCode::Unavailable, "died as --fault=die-after asked for");
  }
  const emulator::ServiceTotals& totals = (*emulator)->totals();
  EmulateSummary out;
  out.requests = totals.requests;
  out.completed = totals.completed;
  out.cancelled = totals.cancelled;
  out.refused = totals.refused;
  out.broken = totals.broken;
  out.tokens = totals.tokens;
  out.connections = (*emulator)->server_stats().connections;
  out.wall_seconds = std::chrono::duration<double>((*loop)->now() - begun).count();
  out.cpu_seconds = cpu_seconds() - cpu_before;
  if (engine != nullptr) out.engine = engine->pace();
  out.signal = signals.caught();
  return out;
}

}  // namespace kneepoint::app
