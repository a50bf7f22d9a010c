#pragma once

#include <array>

#include "cli/command_table.h"

/// The flags of `emulate`.
namespace kneepoint::cli {

inline constexpr std::array<std::string_view, 2> kReadyFormats{"text", "json"};

inline constexpr std::array<std::string_view, 2> kTimings{"engine", "scripted"};

inline constexpr std::array kEmulateFlags{
    Flag{.name = "--model",
         .value = "MODEL",
         .sentence = "The model's name, as requests and metrics have it.",
         .fallback = "emulated"},
    Flag{.name = "--host",
         .value = "ADDRESS",
         .sentence = "Where to listen. Other addresses than this machine's own need a token, in "
                     "KNEEPOINT_EMULATE_TOKEN or --token-file.",
         .fallback = "127.0.0.1"},
    Flag{.name = "--port",
         .type = FlagType::Integer,
         .value = "PORT",
         .sentence = "The port to listen on; 0 takes any that is free.",
         .fallback = "8000",
         .min = 0,
         .max = 65535},
    Flag{.name = "--token-file",
         .type = FlagType::Path,
         .value = "FILE",
         .sentence = "A file with the token that requests must bring as \"Authorization: Bearer "
                     "TOKEN\"."},
    Flag{.name = "--timing",
         .type = FlagType::Choice,
         .value = "TIMING",
         .sentence = "Where latencies come from: an engine that batches requests in steps as a "
                     "model server does, or a script (--ttft, --itl). Left out, the flags given "
                     "decide; without any it is the engine.",
         .choices = kTimings},
    Flag{.name = "--accelerator",
         .value = "TYPE",
         .sentence = "Engine: step times and limits are those of --model on this accelerator, by "
                     "the model behind `predict`. Limits given here as flags count."},
    Flag{.name = "--tp",
         .type = FlagType::Integer,
         .value = "N",
         .sentence = "With --accelerator: tensor parallelism. Without it, the fewest accelerators "
                     "that hold the model.",
         .min = 1,
         .max = 1024},
    Flag{.name = "--weight-precision",
         .value = "TYPE",
         .sentence = "With --accelerator: of the weights. Without it, as the checkpoint."},
    Flag{.name = "--kv-precision",
         .value = "TYPE",
         .sentence = "With --accelerator: of the KV cache."},
    Flag{.name = "--calibration",
         .type = FlagType::Path,
         .value = "FILE",
         .sentence = "With --accelerator: predict by this calibration."},
    Flag{.name = "--max-num-seqs",
         .type = FlagType::Integer,
         .value = "N",
         .sentence = "Engine: sequences that run at once; the others wait.",
         .fallback = "256",
         .min = 1,
         .max = 1 << 20},
    Flag{.name = "--max-num-batched-tokens",
         .type = FlagType::Integer,
         .value = "TOKENS",
         .unit = "tokens",
         .sentence = "Engine: the token budget of a step. Without it 8192, or more where the other "
                     "limits need it.",
         .min = 1,
         .max = 1 << 30},
    Flag{.name = "--kv-blocks",
         .type = FlagType::Integer,
         .value = "BLOCKS",
         .unit = "blocks",
         .sentence = "Engine: blocks of the KV cache that requests can use (of a vLLM server, its "
                     "num_gpu_blocks less one).",
         .fallback = "26000",
         .min = 1,
         .max = 2147483648.0},
    Flag{.name = "--block-size",
         .type = FlagType::Integer,
         .value = "TOKENS",
         .unit = "tokens",
         .sentence = "Engine: tokens in a block of the KV cache.",
         .fallback = "16",
         .min = 1,
         .max = 4096},
    Flag{.name = "--chunked-prefill",
         .type = FlagType::Switch,
         .sentence = "Engine: a prompt may be spread over steps; --no-chunked-prefill computes it "
                     "in one.",
         .fallback = "true"},
    Flag{.name = "--prefix-caching",
         .type = FlagType::Switch,
         .sentence = "Engine: what a prompt has in common with earlier ones is not computed again; "
                     "--no-prefix-caching always does.",
         .fallback = "true"},
    Flag{.name = "--step-time",
         .value = "TERMS",
         .sentence = "Engine: how long a step takes, as a sum: "
                     "base=6.9ms,prefill=33us,sequence=15us,context=49ns,prefill-context=1.1ns "
                     "(for each token of prompts, sequence that decodes, token these have in the "
                     "cache). Terms left out are those of an 8B model on one H100, as here."},
    Flag{.name = "--step-noise",
         .type = FlagType::Number,
         .value = "SHARE",
         .sentence = "Engine: how far steps scatter, as the standard deviation's share of the "
                     "mean: 0.05.",
         .fallback = "0",
         .max = 10},
    Flag{.name = "--speed",
         .type = FlagType::Number,
         .value = "FACTOR",
         .sentence = "Engine: 10 makes every step ten times as fast.",
         .fallback = "1",
         .min = 0.001,
         .max = 1000},
    Flag{.name = "--ttft",
         .value = "DELAY",
         .sentence =
             "Script: time from a request's receipt to its first token: 50ms, uniform:20ms,80ms, "
             "normal:50ms,10ms, lognormal:100ms,0.5 (median, sigma), exponential:50ms.",
         .fallback = "50ms"},
    Flag{.name = "--itl",
         .value = "DELAY",
         .sentence = "Script: time between tokens, in the same words.",
         .fallback = "10ms"},
    Flag{.name = "--output-tokens",
         .value = "LENGTHS",
         .sentence = "How long answers are where a request does not say ignore_eos, at most its "
                     "max_tokens: 200, uniform:50,400, lognormal:200,300, sharegpt-output. "
                     "Without it, as long as the request allows."},
    Flag{.name = "--default-max-tokens",
         .type = FlagType::Integer,
         .value = "TOKENS",
         .unit = "tokens",
         .sentence = "The max_tokens of requests that give none; without it 16 for completions "
                     "and 256 for chats.",
         .min = 1,
         .max = 1e9},
    Flag{.name = "--max-model-len",
         .type = FlagType::Integer,
         .value = "TOKENS",
         .unit = "tokens",
         .sentence = "Prompt and answer together; more is refused.",
         .fallback = "131072",
         .min = 1,
         .max = 1e9},
    Flag{.name = "--seed",
         .type = FlagType::Integer,
         .value = "SEED",
         .sentence = "Delays, lengths, words and faults are drawn from it: the n-th request is "
                     "served the same in every run.",
         .fallback = "0",
         .min = 0},
    Flag{.name = "--model-server",
         .value = "SERVER",
         .sentence = "Whose metric names and habits to show: vllm, sglang, llama.cpp, tgi, "
                     "tensorrt-llm, triton+tensorrt-llm, jetstream.",
         .fallback = "vllm"},
    Flag{.name = "--model-server-version",
         .value = "VERSION",
         .sentence = "Of which version, such as 0.11.0. Without it, the newest."},
    Flag{.name = "--tokens-per-event",
         .type = FlagType::Integer,
         .value = "TOKENS",
         .unit = "tokens",
         .sentence = "Tokens in one event of a stream.",
         .fallback = "1",
         .min = 1,
         .max = 1000},
    Flag{.name = "--variant",
         .type = FlagType::List,
         .value = "NAME",
         .sentence = "How streams differ from the plain form: crlf, no-done, null-usage, "
                     "usage-on-last, usage-always, no-usage, split-writes."},
    Flag{.name = "--fault",
         .type = FlagType::List,
         .value = "FAULT",
         .sentence = "What goes wrong, and for which share of requests: refuse, reject:429@0.1, "
                     "error:500@0.05, stall@0.02, cut@0.02, sse-error@0.02, wrong-usage, "
                     "slow-start:5s, no-keep-alive, die-after:100. May be given several times."},
    Flag{.name = "--keep-alive-timeout",
         .value = "TIME",
         .sentence = "Close kept connections that are idle for so long, such as 5s. Without it, "
                     "never."},
    Flag{.name = "--truth",
         .type = FlagType::Path,
         .value = "FILE",
         .group = FlagGroup::Output,
         .sentence = "Write what was served, one JSON line a request, with the time of every "
                     "token: the yardstick for a load generator."},
    Flag{.name = "--format",
         .type = FlagType::Choice,
         .value = "FORMAT",
         .group = FlagGroup::Output,
         .sentence = "How the address is printed when the server is ready.",
         .fallback = "text",
         .choices = kReadyFormats},
};

}  // namespace kneepoint::cli
