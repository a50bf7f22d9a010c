#include "app/bench_run.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>

#include "base/text.h"
#include "workload/generator.h"

namespace kneepoint::app {
namespace {

using json::Array;
using json::Object;

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    return std::string(trim(line.substr(std::min(line.find(':') + 1, line.size()))));
  }
  return "";
}

Object host_json() {
  utsname system{};
  uname(&system);
  return {{"processor", processor()},
          {"cores", sysconf(_SC_NPROCESSORS_ONLN)},
          {"system", fmt::format("{} {} {}", system.sysname, system.release, system.machine)}};
}

/// Values of header fields may be keys: only their names are told.
Object target_json(const BenchAsk& ask) {
  const BenchTarget& target = ask.target;
  Object out{{"url", target.url}, {"model", target.model}, {"api", name(target.api)}};
  // What they became stands with each point, as a run that is taken up asks again.
  const bool chat = target.api == loadgen::Api::Chat;
  out.emplace("prompts", name(chat ? PromptKind::Words : target.prompts));
  out.emplace("ignore_eos", target.ignore_eos);
  out.emplace("temperature", target.temperature);
  if (target.url.starts_with("https")) out.emplace("certificate_verified", target.verify);
  out.emplace("authenticated", !target.token.empty());
  return out;
}

std::string pattern_text(const workload::Arrivals& arrivals) {
  switch (arrivals.pattern) {
    case workload::ArrivalPattern::Constant:
      return "constant arrivals";
    case workload::ArrivalPattern::Poisson:
      return "Poisson arrivals";
    case workload::ArrivalPattern::Gamma:
      return fmt::format("gamma arrivals, burstiness {}", shortest(arrivals.burstiness));
    case workload::ArrivalPattern::Trace:
      return "arrivals as recorded";
  }
  return "";
}

}  // namespace

void allow_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::string load_text(const workload::RunSpec& spec) {
  if (!spec.arrivals) {
    const std::int64_t clients = spec.in_flight.value_or(0);
    return clients == 1 ? "1 client" : fmt::format("{} clients", clients);
  }
  if (spec.arrivals->pattern == workload::ArrivalPattern::Trace) return "trace";
  return fmt::format("{} requests/s", shortest(spec.arrivals->rate));
}

Result<std::vector<std::string>> bench_plan(const BenchAsk& ask) {
  std::vector<std::string> out;
  double total = 0;
  bool known = true;
  for (const workload::RunSpec& spec : ask.points) {
    auto generator = workload::Generator::open(spec);
    if (!generator) return fail(std::move(generator.error()));
    // The plan itself is made, as far as it goes in no time: it is the same that a run would send.
    constexpr std::int64_t kMostPlanned = 200'000;
    std::int64_t requests = 0;
    double input = 0, output = 0;
    Nanos last{};
    while (requests < kMostPlanned) {
      const auto plan = generator->next();
      if (!plan) break;
      ++requests;
      input += static_cast<double>(plan->prompt_tokens().count());
      output += static_cast<double>(plan->output.count());
      if (plan->due == workload::Due::At) last = plan->at;
    }
    std::string line = load_text(spec);
    if (spec.arrivals) line += ", " + pattern_text(*spec.arrivals);
    if (spec.arrivals && spec.in_flight)
      line += fmt::format(", at most {} in flight", *spec.in_flight);
    const bool counted = requests < kMostPlanned && (spec.arrivals || spec.requests);
    if (counted) line += fmt::format(", {} requests", requests);
    line += fmt::format(", mean {:.0f} tokens in and {:.0f} out",
                        input / static_cast<double>(std::max<std::int64_t>(1, requests)),
                        output / static_cast<double>(std::max<std::int64_t>(1, requests)));
    std::optional<double> seconds;
    if (spec.duration) seconds = std::chrono::duration<double>(*spec.duration).count();
    if (!seconds && spec.arrivals && requests < kMostPlanned) {
      seconds = std::chrono::duration<double>(last).count();
    }
    if (ask.options.time_cap) {
      const double cap = std::chrono::duration<double>(*ask.options.time_cap).count();
      seconds = std::min(seconds.value_or(cap), cap);
    }
    if (seconds) {
      line += fmt::format(", {:.1f} s and the last answers", *seconds);
      total += *seconds;
    } else {
      line += ", as long as the server takes";
      known = false;
    }
    out.push_back(std::move(line));
  }
  out.push_back(known ? fmt::format("{} load points, {:.0f} s without the last answers of each",
                                    ask.points.size(), total)
                      : fmt::format("{} load points; a closed loop lasts as long as its answers",
                                    ask.points.size()));
  return out;
}

json::Value bench_report(const BenchAsk& ask, std::span<const run::PointRecord> points,
                         std::string_view tool) {
  Object out{{"schema", kBenchReportSchema},
             {"tool", Object{{"name", "kneepoint"}, {"version", tool}}}};
  const std::string day = points.empty() ? "" : points.front().started_at.substr(0, 10);
  out.emplace("evidence", Object{{"kind", "measured"},
                                 {"measured_on", day},
                                 {"by", fmt::format("kneepoint {}", tool)},
                                 {"host", host_json()}});
  out.emplace("target", target_json(ask));
  Array list;
  for (const run::PointRecord& point : points) list.push_back(run::to_json(point));
  if (points.size() == 1) {
    // For scripts that run one point and read one number.
    for (const auto& member : list.front().as_object()) out.emplace(member.key(), member.value());
  }
  out.emplace("points", std::move(list));
  return out;
}

Result<void> judge(const BenchAsk& ask, std::span<const run::PointRecord> points) {
  for (const run::PointRecord& point : points) {
    const std::string which =
        ask.points.size() > 1 ? fmt::format("load point {}: ", load_text(point.spec)) : "";
    if (point.end == run::PointEnd::ServerGone) {
      const std::string why = point.remarks.empty() ? "the server is gone" : point.remarks.front();
      return fail(ErrorCode::Unavailable, which + why);
    }
    if (point.end == run::PointEnd::Interrupted) {
      return fail(ErrorCode::Unavailable, which + "interrupted before its end");
    }
    if (point.requests_completed == 0) {
      const std::string why =
          point.errors.empty()
              ? "none was sent"
              : fmt::format("{} x {} {}", point.errors.front().count, point.errors.front().what,
                            point.errors.front().example);
      return fail(ErrorCode::Unavailable, which + "no request completed: " + why);
    }
    if (!point.self.valid) {
      return fail(ErrorCode::Unsatisfiable, which + "not valid: " + point.self.reason);
    }
  }
  return {};
}

}  // namespace kneepoint::app
