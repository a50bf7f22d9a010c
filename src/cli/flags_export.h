#pragma once

#include <array>

#include "cli/command_table.h"

/// The flags of `bench report` and `bench compare`.
namespace kneepoint::cli::exporting {

using enum FlagType;
using enum FlagGroup;

inline constexpr std::array<std::string_view, 5> kReportFormats{"table", "json", "csv", "html",
                                                                "llm-d"};
inline constexpr std::array<std::string_view, 2> kCompareFormats{"table", "json"};

inline constexpr Flag kOutput{.name = "--output",
                              .type = Path,
                              .value = "FILE",
                              .group = Output,
                              .sentence = "Write to this file instead of standard output."};
inline constexpr std::array kReportFlags{
    Flag{.name = "--format",
         .type = Choice,
         .value = "FORMAT",
         .group = Output,
         .sentence = "A table for the terminal, the report as json, a csv row for each point, one "
                     "self-contained html page, or llm-d's benchmark report (YAML, schema 0.2).",
         .fallback = "table",
         .choices = kReportFormats},
    kOutput};
inline constexpr std::array kCompareFlags{
    Flag{.name = "--fail-if-worse",
         .type = Number,
         .value = "PERCENT",
         .sentence =
             "Fail when a figure of B is significantly worse than A's by more than this, or "
             "when the two cannot be compared. For CI.",
         .max = 1000},
    Flag{.name = "--format",
         .type = Choice,
         .value = "FORMAT",
         .group = Output,
         .sentence = "A table for the terminal, or json.",
         .fallback = "table",
         .choices = kCompareFormats},
    kOutput};

inline constexpr std::array kReportWords{
    Positional{"RUN",
               "A run's directory, or a report that `bench run --report` wrote.",
               true,
               false,
               {},
               true}};
inline constexpr std::array kCompareWords{
    Positional{"A", "What to compare with: a run's directory or a report.", true, false, {}, true},
    Positional{"B", "What to judge.", true, false, {}, true}};

}  // namespace kneepoint::cli::exporting
