#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "doctor/signatures.h"

namespace kneepoint::doctor {

/// The lines that show one signature.
struct Sighting {
  std::size_t signature = 0;  // index
  std::uint64_t lines = 0;    // how many
  struct Sample {
    std::uint64_t line = 0;  // from 1
    std::string evidence;
    std::vector<std::string> captures;
  };
  /// The first line, then the first ones whose groups say something else; at most kMostSamples.
  std::vector<Sample> samples;
  static constexpr std::size_t kMostSamples = 4;
};

struct LogReport {
  std::uint64_t bytes = 0, lines = 0;
  std::vector<Sighting> sightings;  // in the order of the table
};

/// Fills a buffer; 0 at the end. Called by one thread at a time.
using ReadBytes = std::function<Result<std::size_t>(char* to, std::size_t room)>;

/// Reads to the end. Memory is bounded by threads x (1 MiB + the longest line looked at), whatever
/// is read; lines may have any length and hold any bytes. The report does not depend on the number
/// of threads.
Result<LogReport> scan_log(const SignatureSet& set, const ReadBytes& read, int threads);

/// A file or, for 0, standard input.
ReadBytes read_from(int descriptor);
ReadBytes read_from(std::string_view text);

/// As findings, the most telling first: causes by severity in the order of the table, then what
/// follows from them. Umbrella signatures only when nothing else is an error.
std::vector<Finding> findings(const SignatureSet& set, const LogReport& report,
                              const std::string& file);

}  // namespace kneepoint::doctor
