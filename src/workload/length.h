#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/units.h"

namespace kneepoint::workload {

/// No request asks for more than this; a larger number is a slip of the hand.
inline constexpr std::int64_t kMostTokens = 16'777'216;

/// How many tokens, drawn one by one. Never changes, so threads may share it: what changes is the
/// stream it draws from. Every draw is from 1 to kMostTokens.
class LengthDistribution {
 public:
  virtual ~LengthDistribution() = default;

  virtual Tokens draw(Random& random) const = 0;
  /// Of what draw() gives, bounds counted in; rounding to whole tokens aside.
  virtual double mean() const = 0;
  /// As a flag would say it: "uniform:64,256".
  virtual std::string describe() const = 0;
};

enum class LengthKind { Fixed, Uniform, Normal, Lognormal, File, SharegptInput, SharegptOutput };

/// A distribution as a user states it. One text form serves flags and JSON:
///
///     128                             always so many
///     uniform:64,256                  from 64 to 256, both included
///     normal:200,50                   mean and standard deviation, in tokens
///     lognormal:200,300               the same: of the tokens, not of their logarithm
///     file:lengths.csv                drawn from a file's column (trace.h says which files)
///     sharegpt-input, sharegpt-output the published lengths of ShareGPT conversations
///
/// All but the first two take bounds at the end: "normal:200,50,min=1,max=1000",
/// "sharegpt-input:max=512". What is drawn outside is put on the bound, not drawn again: that is
/// what other load generators do, and it cannot loop.
struct LengthSpec {
  LengthKind kind = LengthKind::Fixed;
  double first = 1;   // fixed: tokens; uniform: least; normal and lognormal: mean
  double second = 0;  // uniform: most; normal and lognormal: standard deviation
  std::optional<std::int64_t> min, max;
  std::string path;  // file

  friend bool operator==(const LengthSpec&, const LengthSpec&) = default;
};

/// The error says what is wrong and at which column of the text.
Result<LengthSpec> parse_length(std::string_view text);
/// parse_length() reads it back to the same value.
std::string to_text(const LengthSpec& spec);

/// Which column of a file is meant.
enum class Side { Input, Output };

/// Reads the file where one is named. The spec comes from parse_length() or is as valid.
Result<std::unique_ptr<LengthDistribution>> make_length(const LengthSpec& spec, Side side);

/// Every value as likely as it is frequent; there is at least one.
std::unique_ptr<LengthDistribution> empirical_lengths(std::vector<Tokens> values,
                                                      const LengthSpec& spec);

}  // namespace kneepoint::workload
