#include "emulator/fault.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/random.h"
#include "base/text.h"
#include "emulator/delay.h"

namespace kneepoint::emulator {
namespace {

enum class Argument { None, Status, Number, NeedsNumber, NeedsTime };

struct Word {
  std::string_view name;
  FaultKind kind;
  Argument argument;
  bool has_share;
};
constexpr std::array kWords{
    Word{"refuse", FaultKind::Refuse, Argument::None, true},
    Word{"reject", FaultKind::Reject, Argument::Status, true},
    Word{"error", FaultKind::Fail, Argument::Status, true},
    Word{"stall", FaultKind::Stall, Argument::Number, true},
    Word{"cut", FaultKind::Cut, Argument::Number, true},
    Word{"sse-error", FaultKind::StreamError, Argument::Number, true},
    Word{"wrong-usage", FaultKind::WrongUsage, Argument::None, true},
    Word{"slow-start", FaultKind::SlowStart, Argument::NeedsTime, false},
    Word{"no-keep-alive", FaultKind::NoKeepAlive, Argument::None, true},
    Word{"die-after", FaultKind::DieAfter, Argument::NeedsNumber, false},
};

tl::unexpected<Error> bad(std::string message) {
  return fail(ErrorCode::InvalidArgument, std::move(message));
}

std::string all_names() {
  std::string names;
  for (const Word& word : kWords)
    names += fmt::format("{}{}", names.empty() ? "" : ", ", word.name);
  return names;
}

Result<void> read_argument(const Word& word, std::string_view given, Fault& fault) {
  const auto number = parse_integer(given);
  switch (word.argument) {
    case Argument::None:
      return bad(fmt::format("{} takes nothing after a colon", word.name));
    case Argument::Status: {
      const int least = word.kind == FaultKind::Reject ? 400 : 500;
      if (!number || *number < least || *number > least + 99) {
        return bad(fmt::format("{}:STATUS is from {} to {}", word.name, least, least + 99));
      }
      fault.status = static_cast<int>(*number);
      return {};
    }
    case Argument::Number:
    case Argument::NeedsNumber:
      if (!number || *number < 0) {
        return bad(fmt::format("{}:N is a whole number from 0", word.name));
      }
      fault.number = *number;
      return {};
    case Argument::NeedsTime: {
      const auto time = parse_duration(given);
      if (!time) return fail(time.error());
      fault.time = *time;
      return {};
    }
  }
  return {};
}

}  // namespace

Result<Fault> parse_fault(std::string_view text) {
  const std::size_t at = text.find('@');
  const std::string_view front = text.substr(0, at);
  const std::size_t colon = front.find(':');
  const std::string_view name = front.substr(0, colon);
  const auto word = std::find_if(kWords.begin(), kWords.end(),
                                 [name](const Word& known) { return known.name == name; });
  if (word == kWords.end()) {
    return bad(fmt::format("there is no fault \"{}\"; there are {}", name, all_names()));
  }
  Fault fault;
  fault.kind = word->kind;
  fault.status = word->kind == FaultKind::Reject ? 429 : word->kind == FaultKind::Fail ? 500 : 0;
  if (colon != std::string_view::npos) {
    if (auto read = read_argument(*word, front.substr(colon + 1), fault); !read) {
      return fail(std::move(read.error()));
    }
  } else if (word->argument == Argument::NeedsNumber || word->argument == Argument::NeedsTime) {
    return bad(fmt::format("{0} needs a number: {0}:{1}", name,
                           word->argument == Argument::NeedsTime ? "5s" : "100"));
  }
  if (at != std::string_view::npos) {
    const auto share = parse_number(text.substr(at + 1));
    if (!word->has_share) return bad(fmt::format("{} has no share", name));
    if (!share || *share < 0 || *share > 1) {
      return bad(fmt::format("\"{}\": the share after @ is from 0 to 1", text));
    }
    fault.share = *share;
  }
  return fault;
}

const Fault* FaultPlan::find(FaultKind kind) const {
  const auto found = std::find_if(faults_.begin(), faults_.end(),
                                  [kind](const Fault& fault) { return fault.kind == kind; });
  return found == faults_.end() ? nullptr : &*found;
}

/// Each fault draws from its own stream, so another one added does not move it. The first that
/// hits wins.
Fate FaultPlan::fate(std::uint64_t request, std::int64_t output_tokens) const {
  Fate fate;
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    const Fault& fault = faults_[i];
    Random random(seed_, fmt::format("fault-{}", kWords[static_cast<std::size_t>(fault.kind)].name),
                  request);
    const bool hits = random.uniform() < fault.share;
    if (!hits) continue;
    switch (fault.kind) {
      case FaultKind::Reject:
      case FaultKind::Fail:
        if (fate.status == 0) fate.status = fault.status;
        break;
      case FaultKind::Stall:
      case FaultKind::Cut:
      case FaultKind::StreamError:
        if (fate.breaks) break;
        fate.breaks = fault.kind;
        // Inside the answer: at least before its last token.
        fate.after =
            std::min(fault.number.value_or(static_cast<std::int64_t>(random.below(
                         static_cast<std::uint64_t>(std::max<std::int64_t>(1, output_tokens))))),
                     std::max<std::int64_t>(0, output_tokens - 1));
        break;
      case FaultKind::WrongUsage:
        fate.wrong_usage = true;
        break;
      case FaultKind::NoKeepAlive:
        fate.closes = true;
        break;
      case FaultKind::DieAfter:
        fate.dies = request >= static_cast<std::uint64_t>(*fault.number);
        break;
      case FaultKind::Refuse:
      case FaultKind::SlowStart:
        break;
    }
  }
  return fate;
}

bool FaultPlan::refuses_all() const {
  const Fault* fault = find(FaultKind::Refuse);
  return fault != nullptr && fault->share >= 1;
}

bool FaultPlan::resets(std::uint64_t connection) const {
  const Fault* fault = find(FaultKind::Refuse);
  return fault != nullptr && Random(seed_, "fault-refuse", connection).uniform() < fault->share;
}

Nanos FaultPlan::slow_start() const {
  const Fault* fault = find(FaultKind::SlowStart);
  return fault == nullptr ? Nanos(0) : fault->time;
}

}  // namespace kneepoint::emulator
