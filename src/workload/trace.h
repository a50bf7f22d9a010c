#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"

namespace kneepoint::workload {

struct TraceRow {
  Nanos due{};  // from the first row's
  Tokens input, output;
  /// The input in blocks of kTraceBlock tokens (the last one may be shorter): rows that begin with
  /// the same numbers began with the same tokens. Empty where the file does not say.
  std::vector<std::int64_t> blocks{};
};
inline constexpr Tokens kTraceBlock{512};

/// What was asked elsewhere: lengths and, where the file has them, times.
struct Trace {
  std::vector<TraceRow> rows;  // at least one; times never decrease
  bool timed = false;
  bool estimated = false;    // the file has text instead of token counts
  std::int64_t skipped = 0;  // rows without input or output, and conversations of one turn
};

/// Counts the tokens of a text. This room has no tokenizer; whoever has one hands it in.
using TokenCounter = std::function<Tokens(std::string_view)>;
/// A token for every four bytes begun: a rough figure for English, poor for most other scripts.
Tokens estimate_tokens(std::string_view text);

/// Three forms, told apart by the first character:
///
///   CSV     a header line, then one request a line; columns in any order, others are passed over
///   JSONL   one request a line as an object with the same names
///   JSON    an array of such objects, or a ShareGPT file: objects with "conversations", of which
///           the first two turns that are not the system's become a request, as vLLM's and SGLang's
///           benchmarks take them. Their text is counted by `counter`.
///
/// Names, as the published traces write them (upper and lower case matter):
///
///   input   prompt_tokens input_tokens input_length num_prefill_tokens ContextTokens
///           "Request tokens"
///   output  output_tokens output_length completion_tokens num_decode_tokens GeneratedTokens
///           "Response tokens"
///   both    tokens
///   blocks  hash_ids: an array of numbers (Mooncake; JSON only)
///   time    arrival_s arrived_at Timestamp: seconds; timestamp: milliseconds (Mooncake);
///           TIMESTAMP: "2023-11-16 18:17:03.9799600" (Azure)
///
/// An error names the file and the line (of an array: the item).
Result<Trace> read_trace(const std::filesystem::path& path,
                         const TokenCounter& counter = estimate_tokens);
/// The same from memory; `name` stands for the file in errors.
Result<Trace> parse_trace(std::string_view text, std::string_view name,
                          const TokenCounter& counter = estimate_tokens);

}  // namespace kneepoint::workload
