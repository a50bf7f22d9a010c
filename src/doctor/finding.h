#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What doctor says: one problem, where it shows, why, and what to do.
namespace kneepoint::doctor {

enum class Severity : std::uint8_t { Info, Warning, Error };

std::string_view name(Severity severity);  // info, warning, error

struct Finding {
  Severity severity = Severity::Error;
  std::string id{};         // stable name of the problem: "kv-too-small-new", "unknown-field"
  std::string file{};       // as it was given; "-" for standard input
  std::size_t line = 0;     // from 1; 0: none
  std::uint64_t count = 1;  // lines of a log that show it
  std::string object{};     // of a manifest: "Deployment vllm"
  std::string path{};       // of a manifest: "spec.template.spec.containers[0].resources"
  std::string evidence{};   // the line or the value; secrets masked, control characters escaped
  std::vector<std::string> also{};  // further evidence with other values, "line 12: ..."
  std::string cause{};
  std::string fix{};
  std::string patch{};   // a command, or the lines of a manifest, to take over; may be empty
  std::string source{};  // who documents it; empty: rule of our own or of the Kubernetes API
};

/// Worst first; within a severity the order they were found in.
void sort_by_severity(std::vector<Finding>& findings);

/// Nothing when there is none.
Severity worst(const std::vector<Finding>& findings, Severity when_none = Severity::Info);

/// At most `longest` bytes, cut around `from`..`to` when longer; bytes that are no printable UTF-8
/// as \xNN, so that nothing in a log or a file steers the terminal; tokens and keys masked.
std::string evidence_of(std::string_view text, std::size_t from = 0, std::size_t to = 0,
                        std::size_t longest = 400);

/// Tokens of Hugging Face, GitHub, OpenAI, Google and AWS, bearer tokens, passwords in addresses
/// and private keys replaced by their first letters and "***".
std::string mask_secrets(std::string_view text);

/// Whether it holds a token, key or password that is one by its form alone.
bool holds_secret(std::string_view text);

}  // namespace kneepoint::doctor
