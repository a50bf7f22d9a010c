#pragma once

#include <array>

#include "cli/command_table.h"

/// The flags of `import`.
namespace kneepoint::cli {

inline constexpr std::array<std::string_view, 2> kImportFormats{"text", "json"};

inline constexpr std::array kImportFlags{
    Flag{.name = "--model",
         .value = "MODEL",
         .sentence = "The model by its Hugging Face id. Most reports have the name it was served "
                     "under; what is given here wins."},
    Flag{.name = "--model-server",
         .value = "SERVER",
         .sentence = "The model server that was measured: vllm, sglang ..."},
    Flag{.name = "--model-server-version", .value = "VERSION", .sentence = "Its version."},
    Flag{.name = "--accelerator",
         .value = "ACCELERATOR",
         .sentence = "The accelerator by its Kubernetes name, as `accelerators list` has it."},
    Flag{.name = "--accelerator-count",
         .type = FlagType::Integer,
         .value = "COUNT",
         .sentence = "Accelerators of one replica.",
         .min = 1,
         .max = 1'000'000},
    Flag{.name = "--tensor-parallel",
         .type = FlagType::Integer,
         .value = "COUNT",
         .sentence = "Over how many accelerators each layer is split.",
         .min = 1,
         .max = 1'000'000},
    Flag{.name = "--weight-precision",
         .value = "PRECISION",
         .sentence = "Of the weights: fp8, bf16 ..."},
    Flag{.name = "--workload",
         .value = "NAME",
         .sentence = "What the workload is called, where the report's name is not telling."},
    Flag{.name = "--dry-run",
         .type = FlagType::Switch,
         .group = FlagGroup::Output,
         .sentence = "Read and show what would be stored, and store nothing."},
    Flag{.name = "--format",
         .type = FlagType::Choice,
         .value = "FORMAT",
         .group = FlagGroup::Output,
         .sentence = "text, or json: the profiles as they are stored, and the notes.",
         .fallback = "text",
         .choices = kImportFormats},
};

inline constexpr std::array kImportWords{
    Positional{.name = "FILE",
               .sentence = "A report, or a folder of them. Which tool wrote it is seen from its "
                           "content.",
               .many = true,
               .is_path = true},
};

}  // namespace kneepoint::cli
