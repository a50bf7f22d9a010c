#include "app/bench_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/file.h"
#include "base/text.h"

namespace kneepoint::app {
namespace {

constexpr std::array<std::string_view, 3> kPromptKinds{"auto", "token-ids", "words"};

using Fields = std::vector<std::pair<std::string, std::string>>;

/// Values may be keys: no error repeats a line.
Result<Fields> read_fields(const std::string& path) {
  Fields out;
  if (path.empty()) return out;
  const auto text = read_file(path);
  if (!text) return fail(text.error());
  int number = 0;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t colon = line.find(':');
    const std::string_view name = trim(line.substr(0, colon));
    if (colon == std::string_view::npos || name.empty()) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("{}, line {}: expected \"Name: value\"", path, number));
    }
    const std::string low = lower(name);
    if (low == "host" || low == "content-length" || low == "transfer-encoding" ||
        low == "connection") {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("{}, line {}: {} belongs to the connection, not to a request", path,
                              number, name));
    }
    out.emplace_back(name, trim(line.substr(colon + 1)));
  }
  return out;
}

Result<json::Object> read_extra_body(const std::string& path) {
  if (path.empty()) return json::Object{};
  const auto text = read_file(path);
  if (!text) return fail(text.error());
  auto value = json::parse(*text);
  if (!value) return fail(std::move(value.error()).during(path));
  if (!value->is_object()) {
    return fail(ErrorCode::InvalidArgument, path + ": must hold one JSON object");
  }
  return std::move(value->get_object());
}

}  // namespace

std::string_view name(loadgen::Api api) {
  return api == loadgen::Api::Chat ? "chat" : "completions";
}

Result<loadgen::Api> parse_api(std::string_view text) {
  if (text == "completions") return loadgen::Api::Completions;
  if (text == "chat") return loadgen::Api::Chat;
  return fail(ErrorCode::InvalidArgument, "api: must be completions or chat");
}

std::string_view name(PromptKind kind) { return kPromptKinds[static_cast<std::size_t>(kind)]; }

Result<PromptKind> parse_prompt_kind(std::string_view text) {
  const auto found = std::ranges::find(kPromptKinds, text);
  if (found == kPromptKinds.end()) {
    return fail(ErrorCode::InvalidArgument, "prompts: must be auto, token-ids or words");
  }
  return static_cast<PromptKind>(found - kPromptKinds.begin());
}

Result<loadgen::Target> open_target(const BenchTarget& from) {
  loadgen::Target out;
  const auto url = http::parse_url(from.url);
  if (!url) return fail(url.error());
  if (from.model.empty()) {
    return fail(ErrorCode::InvalidArgument, "which model? Name it as the server does: --model");
  }
  auto fields = read_fields(from.header_file);
  if (!fields) return fail(std::move(fields.error()));
  auto body = read_extra_body(from.extra_body_file);
  if (!body) return fail(std::move(body.error()));
  auto endpoint = http::resolve(*url, {.tls = {.module_folder = from.tls_folder,
                                               .ca_file = from.ca_file,
                                               .certificate_file = from.certificate_file,
                                               .key_file = from.key_file,
                                               .verify = from.verify},
                                       .proxy = from.proxy});
  if (!endpoint) return fail(std::move(endpoint.error()));
  out.endpoint = std::move(*endpoint);
  out.api = from.api;
  out.model = from.model;
  out.fields = std::move(*fields);
  out.token = from.token;
  out.patience = from.patience;
  out.ignore_eos = from.ignore_eos;
  out.min_tokens = from.ignore_eos;
  out.temperature = from.temperature;
  out.extra_body = std::move(*body);
  return out;
}

Result<Nanos> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    double seconds;
  };
  // The longer names first: "ms" ends in "s".
  constexpr std::array kUnits{Unit{"ms", 1e-3}, Unit{"us", 1e-6}, Unit{"s", 1},
                              Unit{"m", 60},    Unit{"h", 3600},  Unit{"", 1}};
  for (const Unit& unit : kUnits) {
    if (!text.ends_with(unit.name)) continue;
    const auto number = parse_number(text.substr(0, text.size() - unit.name.size()));
    if (!number || !(*number > 0) || *number * unit.seconds > 30 * 86400) break;
    return Nanos(std::llround(*number * unit.seconds * 1e9));
  }
  return fail(ErrorCode::InvalidArgument,
              fmt::format("'{}' is no duration; write 250ms, 30s, 5m or 2h, at most 30 days",
                          text.substr(0, 40)));
}

Result<std::vector<metrics::Bound>> parse_bounds(const std::vector<std::string>& texts) {
  std::vector<metrics::Bound> out;
  for (const std::string& text : texts) {
    const std::size_t colon = text.find(':');
    const auto metric = metrics::parse_metric(text.substr(0, colon));
    if (colon == std::string::npos || !metric) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("'{}' is no bound of goodput; write a metric and a time, such as "
                              "ttft:200ms (ttft, tpot, itl, ntpot, e2e)",
                              text.substr(0, 40)));
    }
    const auto time = parse_duration(text.substr(colon + 1));
    if (!time) return fail(time.error());
    out.push_back({*metric, *time});
  }
  return out;
}

Result<std::string> read_token_file(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return fail(text.error());
  std::string token(trim(text->substr(0, text->find('\n'))));
  if (token.empty()) return fail(ErrorCode::InvalidArgument, path + " holds no token");
  return token;
}

}  // namespace kneepoint::app
