#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "manifest/args.h"
#include "manifest/facts.h"
#include "manifest/plan.h"
#include "manifest/request.h"

/// llama.cpp and Ollama, which load GGUF files: what is loaded is another repository than the
/// model's, of a size that the name of its quantization tells.
namespace kneepoint::manifest {

inline constexpr int kSlots = 4;          // requests at once, unless asked otherwise
inline constexpr int kSlotTokens = 8192;  // context of each, unless asked otherwise
inline constexpr const char* kLoadedFile = "/tmp/loaded";

bool loads_gguf(const catalog::Server& server);

struct GgufReference {
  std::string repository;  // OWNER/NAME on Hugging Face; a name of Ollama's library has no slash
  std::string quantization;
};

/// Of "OWNER/NAME[:QUANTIZATION]", or of "NAME[:TAG]" for Ollama. InvalidArgument: neither.
Result<GgufReference> gguf_reference(const std::string& text, bool library);

/// Bits per weight, the whole file over the number of weights, as llama.cpp's table has them for
/// Llama-3.1-8B; from memory. Nothing: no name of a quantization.
std::optional<double> gguf_bits(std::string_view quantization);

/// Puts the size of the file in the place of the checkpoint's. Unsatisfiable: none is named.
Result<void> describe_gguf(const Request& request, Facts& facts);

/// The server divides its cache among a fixed number of requests when it starts: how many, and how
/// long each may be. Unsatisfiable: not even short ones fit.
Result<void> divide_cache(const Request& request, const Facts& facts, Plan& plan);

/// What the variable MODEL_ID holds: the file as this server names it.
std::string gguf_model(const Request& request, const Facts& facts);

/// What clients call the model.
std::string gguf_served_name(const Request& request, const Facts& facts);

Result<StartCommand> start_gguf(const Request& request, const Facts& facts, const Plan& plan);

}  // namespace kneepoint::manifest
