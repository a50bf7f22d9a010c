#pragma once

#include <array>

#include "cli/command_table.h"

/// The flags of `doctor`.
namespace kneepoint::cli {

inline constexpr std::array<std::string_view, 3> kDoctorAs{"auto", "log", "manifest"};
inline constexpr std::array<std::string_view, 3> kDoctorSeverities{"info", "warning", "error"};
inline constexpr std::array<std::string_view, 2> kDoctorFormats{"text", "json"};

inline constexpr std::array kDoctorFlags{
    Flag{.name = "--as",
         .type = FlagType::Choice,
         .value = "KIND",
         .sentence = "What the input is; auto sees it from its content.",
         .fallback = "auto",
         .choices = kDoctorAs},
    Flag{.name = "--severity",
         .type = FlagType::Choice,
         .value = "LEVEL",
         .group = FlagGroup::Output,
         .sentence = "The least severity that is told, and that counts for the exit status.",
         .fallback = "info",
         .choices = kDoctorSeverities},
    Flag{.name = "--format",
         .type = FlagType::Choice,
         .value = "FORMAT",
         .group = FlagGroup::Output,
         .sentence = "text, or json: one document with all findings.",
         .fallback = "text",
         .choices = kDoctorFormats},
};

inline constexpr std::array kDoctorWords{
    Positional{
        .name = "FILE",
        .sentence = "Logs, events, manifests, or folders of manifests; \"-\" for standard input.",
        .required = false,
        .many = true,
        .is_path = true},
};

}  // namespace kneepoint::cli
