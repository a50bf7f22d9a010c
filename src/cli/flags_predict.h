#pragma once

#include <array>

#include "cli/command_table.h"

/// The flags of `predict`, `calibrate`, `simulate` and `search`.
namespace kneepoint::cli::predicting {

/// A serving setup and the lengths of its requests.
inline constexpr std::array kSetupFlags{
    Flag{.name = "--model",
         .value = "MODEL",
         .sentence = "The model, by its Hugging Face name (owner/name)."},
    Flag{.name = "--accelerator",
         .value = "TYPE",
         .sentence = "The accelerator, by its Kubernetes name, such as nvidia-l4.",
         .alias = "--accelerator-type"},
    Flag{.name = "--model-server",
         .value = "SERVER",
         .sentence = "The model server: vllm, sglang, tensorrt-llm.",
         .fallback = "vllm"},
    Flag{.name = "--model-server-version",
         .value = "VERSION",
         .sentence = "The version of the model server. Without it, a new one."},
    Flag{.name = "--tp",
         .type = FlagType::Integer,
         .value = "N",
         .sentence = "Tensor parallelism. Without --tp, --pp, --dp and --accelerators, the fewest "
                     "accelerators whose memory holds the model.",
         .min = 1,
         .max = 1024,
         .alias = "--tensor-parallel"},
    Flag{.name = "--pp",
         .type = FlagType::Integer,
         .value = "N",
         .sentence = "Pipeline stages.",
         .min = 1,
         .max = 1024,
         .alias = "--pipeline-parallel"},
    Flag{.name = "--dp",
         .type = FlagType::Integer,
         .value = "N",
         .sentence = "Data-parallel attention ranks of one replica.",
         .min = 1,
         .max = 1024,
         .alias = "--data-parallel"},
    Flag{.name = "--ep",
         .type = FlagType::Integer,
         .value = "N",
         .sentence = "Expert parallelism.",
         .min = 1,
         .max = 1024,
         .alias = "--expert-parallel"},
    Flag{.name = "--accelerators",
         .type = FlagType::Integer,
         .value = "N",
         .sentence = "Accelerators of one replica. Without it, --tp x --pp x --dp.",
         .min = 1,
         .max = 65536},
    Flag{.name = "--weight-precision",
         .value = "TYPE",
         .sentence = "Of the weights: bf16, fp8, fp4, int4 ... Without it, as the checkpoint."},
    Flag{.name = "--kv-precision",
         .value = "TYPE",
         .sentence = "Of the KV cache: bf16, fp8. Without it, as the server would."},
    Flag{.name = "--server-settings",
         .value = "SETTINGS",
         .sentence = "Limits of the server, as its flags have them: "
                     "\"max-num-batched-tokens=2048;max-num-seqs=128\"."},
    Flag{.name = "--input-length",
         .type = FlagType::Integer,
         .value = "TOKENS",
         .unit = "tokens",
         .sentence = "Mean length of the prompts.",
         .fallback = "1024",
         .min = 1,
         .max = 1e7},
    Flag{.name = "--output-length",
         .type = FlagType::Integer,
         .value = "TOKENS",
         .unit = "tokens",
         .sentence = "Mean length of the answers.",
         .fallback = "1024",
         .min = 1,
         .max = 1e7},
};

inline constexpr Flag kCalibration{
    .name = "--calibration",
    .type = FlagType::Path,
    .value = "FILE",
    .sentence =
        "Predict by this calibration, as `calibrate` wrote it. Without it, the one that "
        "ships."};
inline constexpr Flag kTrain{
    .name = "--train",
    .type = FlagType::Path,
    .value = "FILE",
    .sentence = "Calibrate on the measured points of this CSV file (columns: docs/predict.md)."};
inline constexpr Flag kThreads{.name = "--threads",
                               .type = FlagType::Integer,
                               .value = "N",
                               .group = FlagGroup::Output,
                               .sentence = "How many to use. Without it, one for each processor.",
                               .min = 1,
                               .max = 1024};

inline constexpr std::array kPredictFlags{
    Flag{.name = "--concurrency",
         .type = FlagType::List,
         .value = "CLIENTS",
         .sentence = "Predict at so many clients in flight. Without --concurrency and --rate, the "
                     "whole curve."},
    Flag{.name = "--rate",
         .type = FlagType::List,
         .value = "RATE",
         .sentence = "Predict at so many requests per second."},
    Flag{.name = "--points",
         .type = FlagType::Path,
         .value = "FILE",
         .sentence = "Predict each row of this CSV file in the columns of the published "
                     "measurements; measured columns are not read."},
    Flag{.name = "--all",
         .type = FlagType::Switch,
         .sentence =
             "Predict every model on every accelerator that holds it, under the usual "
             "workloads, and keep the curves in the store. --model, --accelerator, "
             "--model-server and the lengths narrow it down. Goes on where it was cut off."},
    kTrain,
    kCalibration,
    Flag{.name = "--out",
         .type = FlagType::Path,
         .value = "FILE",
         .group = FlagGroup::Output,
         .sentence =
             "Where to write what --points predicts, standard output without it; with "
             "--all, a folder for the tables predicted.csv and predicted_notes.csv in place "
             "of the store."},
    kThreads,
};

inline constexpr std::array kCalibrateFlags{
    Flag{.name = "--train",
         .type = FlagType::Path,
         .value = "FILE",
         .sentence = "Fit on the measured points of this CSV file. Without it, on the profiles "
                     "that ship and the ones measured here."},
    Flag{.name = "--out",
         .type = FlagType::Path,
         .value = "FILE",
         .group = FlagGroup::Output,
         .sentence = "Where to write the calibration.",
         .fallback = "kneepoint.calibration"},
    Flag{.name = "--learn-kernel",
         .type = FlagType::Switch,
         .sentence = "Learn how alike points are; --no-learn-kernel keeps what ships.",
         .fallback = "true"},
    Flag{.name = "--cross-validate",
         .type = FlagType::Switch,
         .sentence = "Find the errors on points left out, and from them the width of the bands.",
         .fallback = "true"},
    kThreads,
};

}  // namespace kneepoint::cli::predicting
