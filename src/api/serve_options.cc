#include "api/serve_options.h"

#include <fmt/format.h>

#include <array>
#include <functional>

#include "base/text.h"

namespace kneepoint::api {
namespace {

struct Flag {
  const char* name;
  const char* value;  // null: a switch
  const char* sentence;
  std::function<bool(ServeOptions&, const std::string&)> set;  // false: the value cannot be used
};

auto text(std::string ServeOptions::* member) {
  return [member](ServeOptions& into, const std::string& value) {
    into.*member = value;
    return true;
  };
}
auto texts(std::vector<std::string> ServeOptions::* member) {
  return [member](ServeOptions& into, const std::string& value) {
    (into.*member).push_back(value);
    return true;
  };
}
auto on(bool ServeOptions::* member) {
  return [member](ServeOptions& into, const std::string&) {
    into.*member = true;
    return true;
  };
}
auto count(std::size_t ServeOptions::* member, long long most) {
  return [member, most](ServeOptions& into, const std::string& value) {
    const auto number = parse_integer(value);
    if (!number || *number < 0 || *number > most) return false;
    into.*member = static_cast<std::size_t>(*number);
    return true;
  };
}

const std::vector<Flag>& flags() {
  using S = ServeOptions;
  static const std::vector<Flag> all{
      {"--http", "ADDR:PORT", "REST, events and console; 'off' for none", text(&S::http)},
      {"--grpc", "ADDR:PORT", "gRPC; 'off' for none", text(&S::grpc)},
      {"--store", "PATH|URL", "where profiles are kept", text(&S::store)},
      {"--catalog", "FOLDER", "own catalog rows over the shipped ones; may be given again",
       texts(&S::catalogs)},
      {"--token-file", "FILE", "who may ask: lines of name, right and token", text(&S::token_file)},
      {"--tls-cert", "FILE", "certificate chain, PEM", text(&S::tls_cert)},
      {"--tls-key", "FILE", "its key, PEM", text(&S::tls_key)},
      {"--client-ca", "FILE", "who signs the certificates clients must have", text(&S::client_ca)},
      {"--allowed-host", "NAME", "a name this server is reached by; may be given again",
       texts(&S::allowed_hosts)},
      {"--read-only", nullptr, "nothing can be written", on(&S::read_only)},
      {"--allow-deploy", nullptr, "callers with the right may deploy", on(&S::allow_deploy)},
      {"--web", "FOLDER", "files of the console; 'off' for none", text(&S::web)},
      {"--runs", "FOLDER", "load runs to show", text(&S::runs)},
      {"--rate-limit", "N", "requests per second of one caller; 0 for no limit",
       [](S& into, const std::string& value) {
         into.rate_limit = parse_number(value);
         return into.rate_limit && *into.rate_limit >= 0;
       }},
      {"--log-file", "FILE", "where the log goes instead of standard error", text(&S::log_file)},
      {"--threads", "N", "that answer; 0: one per processor", count(&S::threads, 1024)},
      {"--queue", "N", "requests that may wait", count(&S::queue, 1'000'000)},
      {"--cache-mib", "N", "memory for answers that are kept", count(&S::cache_mib, 1 << 20)},
      {"--drain-seconds", "N", "how long requests under way have when the server ends",
       [](S& into, const std::string& value) {
         const auto number = parse_number(value);
         if (!number || *number < 0 || *number > 3600) return false;
         into.drain_seconds = *number;
         return true;
       }},
      {"--canned", "FILE", "for measuring: an answer for POST /bench/canned", text(&S::canned)},
      {"--help", nullptr, "this text", on(&S::help)},
      {"--version", nullptr, "the version", on(&S::version)}};
  return all;
}

}  // namespace

Result<ServeOptions> parse_serve_options(std::span<const std::string> arguments) {
  ServeOptions out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    const auto equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const Flag* flag = nullptr;
    std::vector<std::string> names;
    for (const Flag& one : flags()) {
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
    if (flag->value == nullptr) {
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
    if (!flag->set(out, value)) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("{}={}: not a value for {}", name, value.substr(0, 80), flag->value));
    }
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
  std::string out = "kneepoint-serve: the API of Kneepoint over REST and gRPC, and its console\n\n";
  for (const Flag& flag : flags()) {
    const std::string name =
        flag.value == nullptr ? flag.name : fmt::format("{}={}", flag.name, flag.value);
    out += fmt::format("  {:<24} {}\n", name, flag.sentence);
  }
  return out;
}

}  // namespace kneepoint::api
