#include "manifest/gguf.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "manifest/text.h"

namespace kneepoint::manifest {
namespace {

constexpr const char* kUsual = "Q4_K_M";

constexpr std::array<std::pair<std::string_view, double>, 17> kBits{{{"q2_k", 3.16},
                                                                     {"q3_k_s", 3.65},
                                                                     {"q3_k_m", 4.00},
                                                                     {"q3_k_l", 4.30},
                                                                     {"iq4_xs", 4.46},
                                                                     {"iq4_nl", 4.69},
                                                                     {"q4_0", 4.67},
                                                                     {"q4_k_s", 4.67},
                                                                     {"q4_k_m", 4.90},
                                                                     {"q4_1", 5.12},
                                                                     {"mxfp4", 4.90},
                                                                     {"q5_k_s", 5.58},
                                                                     {"q5_k_m", 5.71},
                                                                     {"q6_k", 6.57},
                                                                     {"q8_0", 8.51},
                                                                     {"f16", 16},
                                                                     {"bf16", 16}}};

// Ollama answers requests before a model is loaded. So the model is fetched and loaded first, and a
// file says when. The name comes by a variable, so nothing of it is read by the shell.
constexpr const char* kOllama =
    R"(ollama serve &
server=$!
trap 'kill "$server"' TERM INT
until ollama list > /dev/null 2>&1; do kill -0 "$server"; sleep 1; done
ollama pull "$MODEL_ID"
ollama run "$MODEL_ID" "" > /dev/null
touch /tmp/loaded
wait "$server")";

bool ollama(const catalog::Server& server) { return server.name == "ollama"; }

}  // namespace

bool loads_gguf(const catalog::Server& server) {
  return server.name == "llama.cpp" || ollama(server);
}

std::optional<double> gguf_bits(std::string_view quantization) {
  std::string name = lower(quantization);
  if (name.starts_with("ud-")) name.erase(0, 3);
  for (const auto& [known, bits] : kBits) {
    // Tags of Ollama's library end in it: "8b-instruct-q8_0".
    if (name == known || name.ends_with("-" + std::string(known))) return bits;
  }
  return std::nullopt;
}

Result<GgufReference> gguf_reference(const std::string& text, bool library) {
  GgufReference out;
  const auto colon = text.find(':');
  out.repository = text.substr(0, colon);
  if (colon != std::string::npos) out.quantization = text.substr(colon + 1);
  const bool name =
      is_model_id(out.repository) && (library || out.repository.find('/') != std::string::npos);
  const bool tag = colon == std::string::npos || is_image_tag(out.quantization);
  if (!name || !tag)
    return fail(ErrorCode::InvalidArgument,
                shown(text) + " is not of the form OWNER/NAME[:QUANTIZATION]" +
                    (library ? ", nor a name of Ollama's library, NAME[:TAG]" : ""));
  return out;
}

Result<void> describe_gguf(const Request& request, Facts& facts) {
  if (request.hosting.gguf.empty())
    return fail(ErrorCode::Unsatisfiable,
                facts.server.name + " loads GGUF files, which " + request.model +
                    " is not published as: name them with --gguf=OWNER/NAME[:QUANTIZATION]" +
                    (ollama(facts.server) ? " or --gguf=NAME[:TAG] of Ollama's library" : ""));
  if (!request.model_bucket_uri.empty())
    return fail(ErrorCode::Unsatisfiable, facts.server.name +
                                              " fetches the files of --gguf itself; leave out "
                                              "--model-bucket-uri");
  const auto file = gguf_reference(request.hosting.gguf, ollama(facts.server));
  if (!file) return fail(file.error());
  const std::string_view named = file->quantization.empty() ? kUsual : file->quantization;
  facts.model.weight_bits = gguf_bits(named).value_or(*gguf_bits(kUsual));
  facts.model.quantization.clear();
  facts.model.dtype = "float16";
  facts.checkpoint_known = true;
  return {};
}

Result<void> divide_cache(const Request& request, const Facts& facts, Plan& plan) {
  plan.slots = request.max_num_seqs.value_or(kSlots);
  const int own = facts.model.max_position.value_or(kSlotTokens);
  int each = request.max_model_len.value_or(std::min(own, kSlotTokens));
  if (plan.size_known) {
    const double room = std::max(0.0, plan.fit.use.kv_capacity_tokens) / plan.slots;
    if (each > room && request.max_model_len && !request.allow_unfit)
      return fail(ErrorCode::Unsatisfiable,
                  std::to_string(plan.slots) + " requests of " + std::to_string(each) +
                      " tokens do not fit: the cache holds " + fixed(room * plan.slots, 0));
    if (each > room) each = static_cast<int>(room) / 256 * 256;
    if (each < 256 && !request.allow_unfit)
      return fail(ErrorCode::Unsatisfiable, facts.model.id + " leaves no room for " +
                                                std::to_string(plan.slots) +
                                                " requests at once: " + plan.fit.sentence);
  }
  plan.max_model_len = std::max(each, 256);
  plan.max_model_len_cut = false;
  return {};
}

std::string gguf_model(const Request& request, const Facts& facts) {
  const auto file = gguf_reference(request.hosting.gguf, ollama(facts.server));
  if (!file) return {};
  std::string out = file->repository;
  const bool hugging_face = out.find('/') != std::string::npos;
  if (ollama(facts.server) && hugging_face) out.insert(0, "hf.co/");
  if (!file->quantization.empty()) return out + ":" + file->quantization;
  return hugging_face ? out + ":" + kUsual : out;
}

std::string gguf_served_name(const Request& request, const Facts& facts) {
  return ollama(facts.server) ? gguf_model(request, facts) : request.model;
}

Result<StartCommand> start_gguf(const Request& request, const Facts& facts, const Plan& plan) {
  StartCommand out;
  const std::string slots = std::to_string(plan.slots);
  const int each = plan.max_model_len.value_or(kSlotTokens);
  const std::string port = std::to_string(*facts.server.port);
  const std::string cache = lower(request.kv_precision);
  if (ollama(facts.server)) {
    out.command = {"sh", "-e", "-c", kOllama};
    out.env = {{"OLLAMA_HOST", "0.0.0.0:" + port, "", ""},
               {"OLLAMA_NUM_PARALLEL", slots, "", ""},
               {"OLLAMA_CONTEXT_LENGTH", std::to_string(each), "", ""},
               {"OLLAMA_MAX_LOADED_MODELS", "1", "", ""},
               {"OLLAMA_KEEP_ALIVE", "-1", "", ""}};  // for ever
    out.loaded = {"test", "-f", kLoadedFile};
    if (!cache.empty())
      out.remarks.push_back("cache precision " + cache + "; set OLLAMA_KV_CACHE_TYPE");
    return out;
  }
  for (const auto word : split(facts.server.command, ' ')) out.command.emplace_back(word);
  // -c is the context of all slots together; layers beyond the last one do no harm.
  out.args = {"-hf",      std::string("$(") + kModelVariable + ")",
              "--alias",  no_expansion(request.model),
              "--host",   "0.0.0.0",
              "--port",   port,
              "-c",       std::to_string(each * plan.slots),
              "-np",      slots,
              "-ngl",     "999",
              "--metrics"};
  if (!cache.empty())
    out.remarks.push_back("cache precision " + cache + "; set --cache-type-k and --cache-type-v");
  return out;
}

}  // namespace kneepoint::manifest
