#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "loadgen/target.h"
#include "metrics/summary.h"

namespace kneepoint::app {

/// What prompts are made of: Auto asks the server (prompt_probe.h).
enum class PromptKind { Auto, TokenIds, Words };

/// Whom to load, as a user says it.
struct BenchTarget {
  std::string url;    // a base path may follow the port; it may end in /v1
  std::string model;  // the name the server knows it by
  loadgen::Api api = loadgen::Api::Completions;
  PromptKind prompts = PromptKind::Auto;
  std::string token;  // bearer; from the environment or a file, never from the command line
  std::string token_env, token_file;  // where it comes from, so that a run can be taken up again
  std::string header_file;            // one "Name: value" a line
  std::string extra_body_file;        // a JSON object
  std::string ca_file, certificate_file, key_file;  // PEM
  bool verify = true;                               // the server's certificate
  std::optional<http::Proxy> proxy;                 // by the environment; may hold a password
  std::string tls_folder;                           // where the TLS module lies
  bool ignore_eos = true;
  double temperature = 0;
  http::Patience patience{.connect = std::chrono::seconds(10),
                          .first_byte = std::chrono::minutes(5),
                          .silence = std::chrono::minutes(1),
                          .whole = Nanos(0)};
};

/// Reads the files, looks the host up.
Result<loadgen::Target> open_target(const BenchTarget& target);

std::string_view name(loadgen::Api api);  // "completions", "chat"
Result<loadgen::Api> parse_api(std::string_view text);
std::string_view name(PromptKind kind);  // "auto", "token-ids", "words"
Result<PromptKind> parse_prompt_kind(std::string_view text);

/// "250ms", "30s", "5m", "2h", or seconds: "30".
Result<Nanos> parse_duration(std::string_view text);
/// "ttft:200ms", "itl:50ms" ...: bounds of goodput.
Result<std::vector<metrics::Bound>> parse_bounds(const std::vector<std::string>& texts);

/// A secret in a file of its own: its first line, without blanks around it.
Result<std::string> read_token_file(const std::string& path);

}  // namespace kneepoint::app
