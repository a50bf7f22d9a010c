#include "api/serve_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "app/serve_flags.h"
#include "base/text.h"

namespace kneepoint::api {
namespace {

using app::ServeFlag;
using Kind = ServeFlag::Kind;
using S = ServeOptions;

/// What every command takes, what only this program takes, and what every program has.
constexpr std::array kOwnFlags{
    ServeFlag{.name = "--store",
              .value = "PATH|URL",
              .sentence = "Where profiles are kept: a file, or postgresql://... Without it, "
                          "KNEEPOINT_STORE or your own."},
    ServeFlag{.name = "--catalog",
              .kind = Kind::Path,
              .value = "DIR",
              .sentence = "Own catalog rows over the shipped ones; may be given again.",
              .repeatable = true},
    ServeFlag{.name = "--canned",
              .kind = Kind::Path,
              .value = "FILE",
              .sentence = "For measuring: the answer to POST /bench/canned and to "
                          "/kneepoint.bench/Canned."},
    ServeFlag{.name = "--help", .kind = Kind::Switch, .sentence = "This text."},
    ServeFlag{.name = "--version", .kind = Kind::Switch, .sentence = "The version."},
};

constexpr auto kFlags = [] {
  std::array<ServeFlag, app::kServeFlags.size() + kOwnFlags.size()> all{};
  auto into = std::ranges::copy(app::kServeFlags, all.begin()).out;
  std::ranges::copy(kOwnFlags, into);
  return all;
}();

/// Where a flag's value goes; the member's type says how it is read.
using Member = std::variant<std::string S::*, std::vector<std::string> S::*, bool S::*,
                            std::size_t S::*, double S::*, std::optional<double> S::*>;
constexpr std::pair<std::string_view, Member> kMembers[] = {{"--http", &S::http},
                                                            {"--grpc", &S::grpc},
                                                            {"--store", &S::store},
                                                            {"--catalog", &S::catalogs},
                                                            {"--token-file", &S::token_file},
                                                            {"--tls-cert", &S::tls_cert},
                                                            {"--tls-key", &S::tls_key},
                                                            {"--client-ca", &S::client_ca},
                                                            {"--allowed-host", &S::allowed_hosts},
                                                            {"--read-only", &S::read_only},
                                                            {"--allow-deploy", &S::allow_deploy},
                                                            {"--web", &S::web},
                                                            {"--runs", &S::runs},
                                                            {"--rate-limit", &S::rate_limit},
                                                            {"--log-file", &S::log_file},
                                                            {"--threads", &S::threads},
                                                            {"--queue", &S::queue},
                                                            {"--cache-mib", &S::cache_mib},
                                                            {"--drain-seconds", &S::drain_seconds},
                                                            {"--canned", &S::canned},
                                                            {"--help", &S::help},
                                                            {"--version", &S::version}};

constexpr const Member* member_of(std::string_view name) {
  const auto found =
      std::ranges::find_if(kMembers, [name](const auto& one) { return one.first == name; });
  return found == std::ranges::end(kMembers) ? nullptr : &found->second;
}

// A flag that is declared and not read, or read otherwise than declared, does not compile.
constexpr bool fits(const ServeFlag& flag) {
  const Member* member = member_of(flag.name);
  if (member == nullptr) return false;
  switch (flag.kind) {
    case Kind::Switch:
      return std::holds_alternative<bool S::*>(*member);
    case Kind::Integer:
      return std::holds_alternative<std::size_t S::*>(*member);
    case Kind::Number:
      return std::holds_alternative<double S::*>(*member) ||
             std::holds_alternative<std::optional<double> S::*>(*member);
    case Kind::Text:
    case Kind::Path:
      break;
  }
  return flag.repeatable ? std::holds_alternative<std::vector<std::string> S::*>(*member)
                         : std::holds_alternative<std::string S::*>(*member);
}
static_assert(std::ranges::all_of(kFlags, fits) && kFlags.size() == std::size(kMembers));

Result<double> number_of(const ServeFlag& flag, const std::string& value) {
  const bool whole = flag.kind == Kind::Integer;
  std::optional<double> number = parse_number(value);
  if (whole && !parse_integer(value)) number.reset();
  if (!number || *number < flag.min || *number > flag.max) {
    return fail(
        ErrorCode::InvalidArgument,
        fmt::format("{}={}: needed is a {} from {} to {}", flag.name, value.substr(0, 80),
                    whole ? "whole number" : "number", shortest(flag.min), shortest(flag.max)));
  }
  return *number;
}

Result<void> set(ServeOptions& into, const ServeFlag& flag, const std::string& value) {
  double number = 0;
  if (flag.kind == Kind::Integer || flag.kind == Kind::Number) {
    const auto read = number_of(flag, value);
    if (!read) return fail(read.error());
    number = *read;
  }
  const auto put = [&](auto member) {
    auto& place = into.*member;
    using Place = std::remove_reference_t<decltype(place)>;
    if constexpr (std::is_same_v<Place, std::string>) {
      place = value;
    } else if constexpr (std::is_same_v<Place, std::vector<std::string>>) {
      place.push_back(value);
    } else if constexpr (std::is_same_v<Place, bool>) {
      place = true;
    } else if constexpr (std::is_same_v<Place, std::size_t>) {
      place = static_cast<std::size_t>(number);
    } else {
      place = number;
    }
  };
  std::visit(put, *member_of(flag.name));
  return {};
}

/// Words over lines of 80 columns, each behind six blanks.
std::string wrapped(std::string_view text) {
  std::string out, line(6, ' ');
  for (const std::string_view word : split(text, ' ')) {
    if (line.size() > 6 && line.size() + 1 + word.size() > 80) {
      out += line + "\n";
      line.assign(6, ' ');
    }
    if (line.size() > 6) line += ' ';
    line += word;
  }
  return out + line + "\n";
}

}  // namespace

Result<ServeOptions> parse_serve_options(std::span<const std::string> arguments) {
  ServeOptions out;
  for (const ServeFlag& flag : kFlags) {
    if (flag.fallback.empty()) continue;
    if (auto done = set(out, flag, std::string(flag.fallback)); !done) return fail(done.error());
  }
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    const auto equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const ServeFlag* flag = nullptr;
    std::vector<std::string> names;
    for (const ServeFlag& one : kFlags) {
      names.emplace_back(one.name);
      if (one.name == name) flag = &one;
    }
    if (flag == nullptr) {
      const auto close = nearest(name, names, 1);
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("unknown argument '{}'{}", name.substr(0, 80),
                              close.empty() ? "" : "; did you mean " + close.front() + "?"));
    }
    std::string value;
    if (flag->kind == Kind::Switch) {
      if (equals != std::string::npos) {
        return fail(ErrorCode::InvalidArgument, fmt::format("{} takes no value", name));
      }
    } else if (equals != std::string::npos) {
      value = argument.substr(equals + 1);
    } else if (i + 1 < arguments.size()) {
      value = arguments[++i];
    } else {
      return fail(ErrorCode::InvalidArgument, fmt::format("{} needs a {}", name, flag->value));
    }
    if (auto done = set(out, *flag, value); !done) return fail(std::move(done).error());
  }
  if (out.tls_cert.empty() != out.tls_key.empty()) {
    return fail(ErrorCode::InvalidArgument, "--tls-cert and --tls-key belong together");
  }
  if (!out.client_ca.empty() && out.tls_cert.empty()) {
    return fail(ErrorCode::InvalidArgument, "--client-ca needs --tls-cert and --tls-key");
  }
  if (out.http == "off" && out.grpc == "off") {
    return fail(ErrorCode::InvalidArgument, "--http=off and --grpc=off leave nothing to serve");
  }
  return out;
}

std::string serve_help() {
  std::string out =
      "kneepoint-serve: the API of Kneepoint over REST and gRPC, and its console.\n"
      "`kneepoint serve` starts it; man kneepoint-serve.\n\n";
  for (const ServeFlag& flag : kFlags) {
    out += fmt::format("  {}{}{}\n", flag.name, flag.value.empty() ? "" : "=", flag.value);
    std::string sentence(flag.sentence);
    if (!flag.fallback.empty()) sentence += fmt::format(" Default: {}.", flag.fallback);
    out += wrapped(sentence);
  }
  return out;
}

}  // namespace kneepoint::api
