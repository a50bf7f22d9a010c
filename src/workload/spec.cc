#include "workload/spec.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cmath>
#include <utility>
#include <vector>

#include "base/text.h"

namespace kneepoint::workload {
namespace {

using json::Object;
using json::Value;

struct PatternName {
  ArrivalPattern pattern;
  std::string_view name;
};
constexpr std::array kPatterns{
    PatternName{ArrivalPattern::Constant, "constant"},
    PatternName{ArrivalPattern::Poisson, "poisson"},
    PatternName{ArrivalPattern::Gamma, "gamma"},
    PatternName{ArrivalPattern::Trace, "trace"},
};

std::string_view name(ArrivalPattern pattern) {
  return kPatterns[static_cast<std::size_t>(pattern)].name;
}

constexpr double kMostRate = 1e6;                           // per second
constexpr Nanos kLongestRun = std::chrono::hours(24 * 30);  // whole nanoseconds as a double

double to_seconds(Nanos time) { return std::chrono::duration<double>(time).count(); }
Nanos to_nanos(double seconds) {
  return Nanos(static_cast<std::int64_t>(std::floor(seconds * 1e9 + 0.5)));
}

tl::unexpected<Error> wrong(std::string_view member, std::string_view what) {
  return fail(ErrorCode::InvalidArgument, fmt::format("{}: {}", member, what));
}

// ---- what holds for any spec, wherever it comes from ----

Result<void> in_range(std::string_view member, double value, double least, double most) {
  if (value >= least && value <= most) return {};
  return wrong(member, fmt::format("must be from {} to {}, not {}", shortest(least), shortest(most),
                                   shortest(value)));
}
Result<void> in_range(std::string_view member, std::int64_t value, std::int64_t least,
                      std::int64_t most) {
  if (value >= least && value <= most) return {};
  return wrong(member, fmt::format("must be from {} to {}, not {}", least, most, value));
}
Result<void> in_range(std::string_view member, Nanos value) {
  if (value > Nanos(0) && value <= kLongestRun) return {};
  return wrong(member, fmt::format("must be above 0 and at most {} seconds",
                                   shortest(to_seconds(kLongestRun))));
}

/// Values built in code are held to what their text form allows.
Result<void> check_length(std::string_view member, const LengthSpec& spec) {
  const auto read = parse_length(to_text(spec));
  if (!read) return fail(Error(read.error()).during(member));
  if (*read != spec) return wrong(member, "has parts its kind does not use");
  return {};
}

Result<void> check_arrivals(const Arrivals& a) {
  constexpr double kLeastRate = 1e-6;
  if (a.pattern == ArrivalPattern::Trace) {
    if (a.file.empty()) return wrong("arrivals.file", "is missing");
    if (a.ramp) return wrong("arrivals.ramp", "a trace has its own times");
    return in_range("arrivals.speed", a.speed, 1e-3, 1e3);
  }
  if (auto ok = in_range("arrivals.rate", a.rate, kLeastRate, kMostRate); !ok) return ok;
  if (a.pattern == ArrivalPattern::Gamma) {
    if (auto ok = in_range("arrivals.burstiness", a.burstiness, 0.01, 1e4); !ok) return ok;
  }
  if (!a.ramp) return {};
  if (auto ok = in_range("arrivals.ramp.from", a.ramp->from, 0.0, kMostRate); !ok) return ok;
  return in_range("arrivals.ramp.seconds", a.ramp->over);
}

Result<void> check_prefix(const Prefix& p) {
  if (auto ok = in_range("prefix.groups", p.groups, 1, kMostPrompts); !ok) return ok;
  if (auto ok = in_range("prefix.tokens", p.tokens, 1, kMostTokens); !ok) return ok;
  if (!p.prompts_per_group) return {};
  return in_range("prefix.prompts_per_group", *p.prompts_per_group, 1, kMostPrompts / p.groups);
}

Result<void> check_sessions(const Sessions& s) {
  if (auto ok = check_length("sessions.turns", s.turns); !ok) return ok;
  const bool of_tokens = s.turns.kind == LengthKind::File ||
                         s.turns.kind == LengthKind::SharegptInput ||
                         s.turns.kind == LengthKind::SharegptOutput;
  if (of_tokens) return wrong("sessions.turns", "must be a number, uniform, normal or lognormal");
  const double most = s.turns.kind == LengthKind::Uniform ? s.turns.second : s.turns.first;
  if (auto ok = in_range("sessions.turns", most, 0.0, static_cast<double>(kMostTurns)); !ok) {
    return ok;
  }
  const auto think = parse_think_time(to_text(s.think));
  if (!think) return fail(Error(think.error()).during("sessions.think_time"));
  return {};
}

// ---- reading ----

/// One JSON object being read. The first thing wrong is kept with its place, the rest not looked
/// at; finish() refuses members nobody took.
class Reader {
 public:
  Reader(const Value& value, std::string place, std::optional<Error>& error)
      : place_(std::move(place)), error_(error) {
    if (value.is_object()) {
      object_ = &value.get_object();
    } else {
      wrong("", "must be an object");
    }
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void finish() {
    if (object_ == nullptr || error_) return;
    for (const auto& member : *object_) {
      const std::string_view key = member.key();
      bool known = false;
      for (const std::string_view one : taken_) known = known || one == key;
      if (known) continue;
      const auto near = nearest(key.substr(0, 40), {taken_.begin(), taken_.end()}, 1);
      return wrong(key.substr(0, 80),
                   near.empty() ? "unknown member"
                                : fmt::format("unknown member; is '{}' meant?", near.front()));
    }
  }

  /// Keys are literals: they are remembered as they are.
  const Value* take(std::string_view key) {
    taken_.push_back(key);
    return object_ == nullptr ? nullptr : object_->if_contains(key);
  }
  const Value* need(std::string_view key) {
    const Value* value = take(key);
    if (value == nullptr && object_ != nullptr) wrong(key, "is missing");
    return value;
  }

  std::string text(const Value* value, std::string_view key) {
    if (value == nullptr) return {};
    if (!value->is_string() || value->get_string().empty() ||
        value->get_string().find('\0') != std::string_view::npos) {
      wrong(key, "must be a string that is not empty");
      return {};
    }
    return std::string(value->get_string());
  }

  double number(const Value* value, std::string_view key) {
    if (value == nullptr) return 0;
    if (!value->is_number()) wrong(key, "must be a number");
    return value->is_number() ? value->to_number<double>() : 0;
  }

  std::int64_t whole(const Value* value, std::string_view key) {
    if (value == nullptr) return 0;
    if (value->is_int64()) return value->get_int64();
    wrong(key, "must be a whole number");
    return 0;
  }

  Nanos time(const Value* value, std::string_view key) {
    const double seconds = number(value, key);
    if (value == nullptr || error_) return {};
    if (!(seconds > 0 && seconds <= to_seconds(kLongestRun))) {
      wrong(key, fmt::format("must be above 0 and at most {} seconds",
                             shortest(to_seconds(kLongestRun))));
      return {};
    }
    return to_nanos(seconds);
  }

  /// A text with a grammar of its own, or for a plain number the number.
  template <class T>
  T parsed(const Value* value, std::string_view key, Result<T> (*parse)(std::string_view)) {
    if (value == nullptr) return {};
    const std::string form =
        value->is_number() ? shortest(value->to_number<double>()) : text(value, key);
    if (error_) return {};
    auto read = parse(form);
    if (read) return *std::move(read);
    wrong(key, read.error().message);
    return {};
  }

  void wrong(std::string_view key, std::string_view what) {
    if (error_) return;
    const std::string where = place(key);
    error_ = Error{ErrorCode::InvalidArgument,
                   where.empty() ? std::string(what) : fmt::format("{}: {}", where, what)};
  }
  std::string place(std::string_view key) const {
    if (place_.empty() || key.empty()) return place_ + std::string(key);
    return place_ + "." + std::string(key);
  }
  std::optional<Error>& error() { return error_; }

 private:
  const Object* object_ = nullptr;
  std::string place_;
  std::optional<Error>& error_;
  std::vector<std::string_view> taken_;
};

Arrivals read_arrivals(const Value& value, Reader& parent) {
  Reader in(value, parent.place("arrivals"), parent.error());
  Arrivals out;
  const std::string pattern = in.text(in.need("pattern"), "pattern");
  bool known = false;
  for (const PatternName& row : kPatterns) {
    if (row.name != pattern) continue;
    out.pattern = row.pattern;
    known = true;
  }
  if (!known) in.wrong("pattern", "must be constant, poisson, gamma or trace");
  if (out.pattern == ArrivalPattern::Trace) {
    out.file = in.text(in.need("file"), "file");
    if (const Value* speed = in.take("speed")) out.speed = in.number(speed, "speed");
    in.finish();
    return out;
  }
  out.rate = in.number(in.need("rate"), "rate");
  if (out.pattern == ArrivalPattern::Gamma) {
    out.burstiness = in.number(in.need("burstiness"), "burstiness");
  }
  if (const Value* ramp = in.take("ramp")) {
    Reader inner(*ramp, in.place("ramp"), in.error());
    out.ramp.emplace();
    out.ramp->from = inner.number(inner.need("from"), "from");
    out.ramp->over = inner.time(inner.need("seconds"), "seconds");
    inner.finish();
  }
  in.finish();
  return out;
}

Lengths read_lengths(const Value& value, Reader& parent) {
  Reader in(value, parent.place("lengths"), parent.error());
  Lengths out;
  if (const Value* pairs = in.take("pairs")) {
    out.pairs = in.text(pairs, "pairs");
    if (const Value* order = in.take("order")) {
      const std::string word = in.text(order, "order");
      if (word != "file" && word != "random") in.wrong("order", "must be file or random");
      if (word == "random") out.order = Lengths::Order::Random;
    }
  } else {
    out.input = in.parsed(in.need("input"), "input", parse_length);
    out.output = in.parsed(in.need("output"), "output", parse_length);
  }
  in.finish();
  return out;
}

Prefix read_prefix(const Value& value, Reader& parent) {
  Reader in(value, parent.place("prefix"), parent.error());
  Prefix out;
  out.groups = in.whole(in.need("groups"), "groups");
  out.tokens = in.whole(in.need("tokens"), "tokens");
  if (const Value* prompts = in.take("prompts_per_group")) {
    out.prompts_per_group = in.whole(prompts, "prompts_per_group");
  }
  in.finish();
  return out;
}

Sessions read_sessions(const Value& value, Reader& parent) {
  Reader in(value, parent.place("sessions"), parent.error());
  Sessions out;
  out.turns = in.parsed(in.need("turns"), "turns", parse_length);
  if (const Value* think = in.take("think_time")) {
    out.think = in.parsed(think, "think_time", parse_think_time);
  }
  in.finish();
  return out;
}

// ---- writing ----

Object arrivals_json(const Arrivals& a) {
  Object out{{"pattern", name(a.pattern)}};
  if (a.pattern == ArrivalPattern::Trace) {
    out.emplace("file", a.file);
    if (a.speed != 1) out.emplace("speed", a.speed);
    return out;
  }
  out.emplace("rate", a.rate);
  if (a.pattern == ArrivalPattern::Gamma) out.emplace("burstiness", a.burstiness);
  if (a.ramp) {
    out.emplace("ramp", Object{{"from", a.ramp->from}, {"seconds", to_seconds(a.ramp->over)}});
  }
  return out;
}

Object lengths_json(const Lengths& l) {
  if (l.pairs.empty()) return {{"input", to_text(l.input)}, {"output", to_text(l.output)}};
  return {{"pairs", l.pairs}, {"order", l.order == Lengths::Order::File ? "file" : "random"}};
}

}  // namespace

Result<void> check(const RunSpec& spec) {
  if (!spec.arrivals && !spec.in_flight) {
    return wrong("arrivals", "is missing: give arrivals, in_flight or both");
  }
  if (spec.arrivals) {
    if (auto ok = check_arrivals(*spec.arrivals); !ok) return ok;
  }
  if (spec.in_flight) {
    if (auto ok = in_range("in_flight", *spec.in_flight, 1, kMostInFlight); !ok) return ok;
  }
  if (spec.lengths.pairs.empty()) {
    if (auto ok = check_length("lengths.input", spec.lengths.input); !ok) return ok;
    if (auto ok = check_length("lengths.output", spec.lengths.output); !ok) return ok;
  }
  if (spec.prefix) {
    if (auto ok = check_prefix(*spec.prefix); !ok) return ok;
  }
  if (spec.sessions) {
    if (auto ok = check_sessions(*spec.sessions); !ok) return ok;
  }
  if (spec.requests) {
    if (auto ok = in_range("requests", *spec.requests, 1, kMostRequests); !ok) return ok;
  }
  if (spec.duration) {
    if (auto ok = in_range("duration_s", *spec.duration); !ok) return ok;
  }
  const bool ends = spec.requests || spec.duration ||
                    (spec.arrivals && spec.arrivals->pattern == ArrivalPattern::Trace);
  if (!ends) return wrong("requests", "is missing: give requests, duration_s or both");
  return {};
}

Result<RunSpec> from_json(const Value& value) {
  std::optional<Error> error;
  Reader in(value, "", error);
  RunSpec spec;
  const std::string schema = in.text(in.need("schema"), "schema");
  if (!error && schema != kRunSpecSchema) {
    return fail(schema.starts_with("kneepoint.run-spec.") ? ErrorCode::Incompatible
                                                          : ErrorCode::InvalidArgument,
                fmt::format("schema: must be {}, not {}", kRunSpecSchema, schema.substr(0, 80)));
  }
  if (const Value* seed = in.take("seed")) {
    // Past 2^63 the document has the other integer type; a seed may be any of 64 bits.
    if (seed->is_uint64()) {
      spec.seed = seed->get_uint64();
    } else if (seed->is_int64() && seed->get_int64() >= 0) {
      spec.seed = static_cast<std::uint64_t>(seed->get_int64());
    } else {
      in.wrong("seed", "must be a whole number from 0 to 18446744073709551615");
    }
  }
  if (const Value* arrivals = in.take("arrivals")) spec.arrivals = read_arrivals(*arrivals, in);
  if (const Value* cap = in.take("in_flight")) spec.in_flight = in.whole(cap, "in_flight");
  if (const Value* lengths = in.need("lengths")) spec.lengths = read_lengths(*lengths, in);
  if (const Value* prefix = in.take("prefix")) spec.prefix = read_prefix(*prefix, in);
  if (const Value* sessions = in.take("sessions")) spec.sessions = read_sessions(*sessions, in);
  if (const Value* count = in.take("requests")) spec.requests = in.whole(count, "requests");
  if (const Value* duration = in.take("duration_s"))
    spec.duration = in.time(duration, "duration_s");
  in.finish();
  if (error) return fail(std::move(*error));
  if (auto ok = check(spec); !ok) return fail(std::move(ok.error()));
  return spec;
}

Result<RunSpec> parse_run_spec(std::string_view text) {
  const auto document = json::parse(text);
  if (!document) return fail(document.error());
  return from_json(*document);
}

Value to_json(const RunSpec& spec) {
  Object out{{"schema", kRunSpecSchema}, {"seed", spec.seed}};
  if (spec.arrivals) out.emplace("arrivals", arrivals_json(*spec.arrivals));
  if (spec.in_flight) out.emplace("in_flight", *spec.in_flight);
  out.emplace("lengths", lengths_json(spec.lengths));
  if (spec.prefix) {
    Object prefix{{"groups", spec.prefix->groups}, {"tokens", spec.prefix->tokens}};
    if (spec.prefix->prompts_per_group) {
      prefix.emplace("prompts_per_group", *spec.prefix->prompts_per_group);
    }
    out.emplace("prefix", std::move(prefix));
  }
  if (spec.sessions) {
    out.emplace("sessions", Object{{"turns", to_text(spec.sessions->turns)},
                                   {"think_time", to_text(spec.sessions->think)}});
  }
  if (spec.requests) out.emplace("requests", *spec.requests);
  if (spec.duration) out.emplace("duration_s", to_seconds(*spec.duration));
  return out;
}

}  // namespace kneepoint::workload
