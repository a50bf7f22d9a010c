#include "loadgen/error_table.h"

#include <algorithm>

namespace kneepoint::loadgen {

void ErrorTable::add(const Verdict& verdict) {
  if (verdict.what.empty()) return;
  ++total_;
  auto found = std::ranges::find(kinds_, verdict.what, &run::ErrorCount::what);
  if (found == kinds_.end()) {
    const bool full = kinds_.size() >= kMostKinds;
    if (full) {
      found = kinds_.end() - 1;
    } else {
      const bool last = kinds_.size() + 1 == kMostKinds;
      kinds_.push_back({.what = last ? "others" : verdict.what, .count = 0, .example = {}});
      found = kinds_.end() - 1;
    }
  }
  ++found->count;
  if (found->example.empty()) found->example = verdict.example;
}

std::vector<run::ErrorCount> ErrorTable::counts() const {
  std::vector<run::ErrorCount> out = kinds_;
  std::ranges::stable_sort(out, std::greater<>(), &run::ErrorCount::count);
  return out;
}

}  // namespace kneepoint::loadgen
