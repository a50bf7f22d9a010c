#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "importers/document.h"
#include "importers/place.h"
#include "profile/profile.h"

namespace kneepoint::importers {

/// One load point as a tool reported it: its numbers, and what the report says of setup and
/// workload. What it does not say stays empty; the user adds it (join.h).
struct Measured {
  std::string tool, tool_version;  // "vllm bench serve"; the version where the report has it
  std::string file;                // the name of the document, without folders
  std::string folder;              // the folders: what lies together belongs together
  profile::ServingSetup setup;
  profile::Workload workload;
  curve::LoadKind load_kind = curve::LoadKind::Concurrency;
  /// Not a result but the settings of one: lends setup and workload to the points of its tool from
  /// the same folder.
  bool only_settings = false;
  /// Records of single requests, summed up here; the tool's own summary from the same folder wins.
  bool from_records = false;
  profile::Point point;
};

/// One kind of report. `knows` looks at shape only and never fails; `read` gives the load points.
struct Importer {
  std::string_view name;   // of the tool, as evidence has it
  std::string_view files;  // which of its files
  bool (*knows)(const Document&);
  void (*read)(const Document&, Faults&, std::vector<Measured>&);
};

/// Every importer, the most particular first: the first that knows a document reads it.
std::span<const Importer> importers();
const Importer* importer_of(const Document& document);

/// The load points of one document. NotFound when no importer knows it, InvalidArgument naming file
/// and member when it is not as its tool writes it.
Result<std::vector<Measured>> read_report(const Document& document);

/// How what a tool publishes differs from the definitions of docs/metrics. The name stands in the
/// flags of the point and never leaves it.
struct Difference {
  std::string_view flag;
  std::string_view sentence;
};
std::span<const Difference> differences();
/// The sentence of a flag; empty when it is not one of ours.
std::string_view sentence_of(std::string_view flag);

// For the importers.

/// A point with where it comes from filled in.
Measured measured(std::string_view tool, const Document& document);
/// Adds a flag of differences(); twice is once.
void flag(Measured& measured, std::string_view flag);
void derived(Measured& measured, std::string_view what);
/// Mean, p50, p90, p99 under the names a tool gives them, times `scale`.
struct StatisticNames {
  std::string_view mean, p50, p90, p99;
};
void read_latency(const Place& from, const StatisticNames& names, double scale,
                  metrics::Metric metric, Measured& to);
/// The date of "2026-11-21T13:02:11", "20261121-125355" or seconds since 1970; else empty.
std::string date_of(std::string_view text);
std::string date_of_seconds(double seconds);

}  // namespace kneepoint::importers
