#pragma once

#include <string>
#include <vector>

#include "loadgen/answer.h"
#include "run/point.h"

namespace kneepoint::loadgen {

/// Counts what went wrong by kind, with the first words of each. Bounded: a server that words every
/// error anew does not grow it.
class ErrorTable {
 public:
  static constexpr std::size_t kMostKinds = 32;

  void add(const Verdict& verdict);
  /// The most frequent first.
  std::vector<run::ErrorCount> counts() const;
  std::uint64_t total() const { return total_; }

 private:
  std::vector<run::ErrorCount> kinds_;
  std::uint64_t total_ = 0;
};

}  // namespace kneepoint::loadgen
