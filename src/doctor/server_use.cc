#include "doctor/server_use.h"

#include <array>
#include <utility>

#include "base/text.h"
#include "perfmodel/memory.h"

namespace kneepoint::doctor {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kImages{
    {{"vllm-tpu", "vllm-tpu"},
     {"vllm", "vllm"},
     {"sglang", "sglang"},
     {"text-generation-inference", "tgi"},
     {"tensorrt", "tensorrt-llm"},
     {"trtllm", "tensorrt-llm"},
     {"tritonserver", "triton"},
     {"llama.cpp", "llama.cpp"},
     {"llama-cpp", "llama.cpp"},
     {"ollama", "ollama"},
     {"jetstream", "jetstream"},
     {"lmdeploy", "lmdeploy"}}};
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kCommands{
    {{"vllm serve", "vllm"},
     {"vllm.entrypoints", "vllm"},
     {"sglang.launch_server", "sglang"},
     {"trtllm-serve", "tensorrt-llm"},
     {"text-generation-launcher", "tgi"},
     {"llama-server", "llama.cpp"}}};

template <class Table>
std::string first_in(const Table& table, std::string_view text) {
  for (const auto& [word, server] : table) {
    if (text.find(word) != std::string_view::npos) return std::string(server);
  }
  return {};
}

/// "v0.11.0-cu130" -> "0.11.0-cu130"; a tag that is no version -> "".
std::string version_of(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const auto colon = image.rfind(':');
  if (colon == std::string_view::npos || image.find('/', colon) != std::string_view::npos)
    return {};
  std::string_view tag = image.substr(colon + 1);
  if (tag.starts_with('v')) tag.remove_prefix(1);
  const bool version = !tag.empty() && tag.front() >= '0' && tag.front() <= '9' &&
                       tag.find('.') != std::string_view::npos;
  return version ? std::string(tag) : std::string();
}

struct Word {
  std::string text;
  At at;
};

std::vector<Word> words_of(const At& container) {
  std::vector<Word> out;
  for (const char* list : {"command", "args"}) {
    for (const At& each : container[list].items()) {
      // A whole command line in one argument, as `sh -c` takes it.
      std::string text(each.text());
      for (char& c : text) {
        if (c == '\n' || c == '\t' || c == '\\') c = ' ';
      }
      for (const std::string_view word : split(text, ' ')) {
        if (!word.empty()) out.push_back({std::string(word), each});
      }
    }
  }
  return out;
}

void read_words(ServerUse& use) {
  const auto words = words_of(use.container);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i].text;
    if (!word.starts_with("--")) {
      if (word == "serve" && i + 1 < words.size() && !words[i + 1].text.starts_with("-")) {
        use.model = words[i + 1].text;
        use.model_at = words[i + 1].at;
      }
      if (word == "-tp" && i + 1 < words.size()) {
        use.flags["--tensor-parallel-size"] = {words[i + 1].text, words[i + 1].at};
      }
      continue;
    }
    const auto equals = word.find('=');
    const bool next =
        equals == std::string::npos && i + 1 < words.size() && !words[i + 1].text.starts_with("-");
    use.flags[word.substr(0, equals)] = {equals != std::string::npos ? word.substr(equals + 1)
                                         : next                      ? words[i + 1].text
                                                                     : "",
                                         words[i].at};
  }
  for (const char* flag : {"--model", "--model-path", "--model-id", "--model_path"}) {
    if (!use.given(flag)) continue;
    use.model = use.flags.find(flag)->second.value;
    use.model_at = use.flags.find(flag)->second.at;
  }
  if (use.model.starts_with("$(") && use.model.ends_with(")")) {
    const std::string name = use.model.substr(2, use.model.size() - 3);
    use.model_at = use.variable_at(name);
    use.model = use.variable(name);
  }
}

void add_servers(const At& template_at, const std::string& role, std::vector<ServerUse>& out) {
  for (const At& container : template_at["spec"]["containers"].items()) {
    ServerUse use;
    use.container = container;
    use.role = role;
    use.pod = template_at["spec"];
    use.pod_metadata = template_at["metadata"];
    use.server = first_in(kImages, lower(container["image"].text()));
    std::string line;
    for (const Word& word : words_of(container)) line += (line.empty() ? "" : " ") + word.text;
    const std::string by_command = first_in(kCommands, line);
    if (!by_command.empty() && !(by_command == "vllm" && use.server == "vllm-tpu"))
      use.server = by_command;
    if (use.server.empty()) continue;
    use.version = version_of(container["image"].text());
    read_words(use);
    out.push_back(std::move(use));
  }
}

}  // namespace

std::string ServerUse::value(std::initializer_list<std::string_view> names) const {
  for (const std::string_view name : names) {
    const auto it = flags.find(name);
    if (it != flags.end()) return it->second.value;
  }
  return {};
}

int ServerUse::count(std::initializer_list<std::string_view> names, int otherwise) const {
  const auto number = parse_integer(value(names));
  return number && *number > 0 && *number < 1'000'000'000 ? static_cast<int>(*number) : otherwise;
}

At ServerUse::variable_at(std::string_view name) const {
  for (const At& each : container["env"].items()) {
    if (each["name"].text() == name) return each["value"];
  }
  return {nullptr, container.path() + ".env", container.line()};
}

std::string ServerUse::variable(std::string_view name) const {
  return std::string(variable_at(name).text());
}

std::vector<ServerUse> servers_of(const Object& object) {
  std::vector<ServerUse> out;
  for (const Pod& pod : pods_of(object)) add_servers(pod.template_at, pod.role, out);
  if (object.is("serving.knative.dev", "Service")) add_servers(object["spec"]["template"], "", out);
  return out;
}

DeviceUse devices_of(const At& container) {
  for (const char* part : {"limits", "requests"}) {
    for (const auto& [resource, amount] : container["resources"][part].entries()) {
      const bool device =
          resource == "nvidia.com/gpu" || resource == "google.com/tpu" || resource == "amd.com/gpu";
      const auto count = parse_integer(amount.text());
      if (device) return {resource, count.value_or(-1), amount};
    }
  }
  return {};
}

AcceleratorUse accelerator_of(const At& pod_spec, const catalog::Catalog& catalog) {
  AcceleratorUse out;
  for (const char* key :
       {"cloud.google.com/gke-accelerator", "cloud.google.com/gke-tpu-accelerator",
        "run.googleapis.com/accelerator"}) {
    const At at = pod_spec["nodeSelector"][key];
    if (!at.exists()) continue;
    out.label = std::string(at.text());
    out.at = at;
    for (const catalog::Accelerator& each : catalog.accelerators()) {
      if (each.gke_label == out.label || each.id == out.label) {
        out.accelerator = &each;
        break;
      }
    }
    return out;
  }
  return out;
}

std::optional<double> weight_bytes_of(const ServerUse& use, const catalog::Catalog& catalog) {
  const catalog::Model* model = catalog.model(use.model);
  if (model == nullptr) return std::nullopt;
  const std::string quantization = use.value({"--quantization", "--quantize"});
  return perfmodel::weight_bytes(*model, quantization == "fp8" ? "fp8" : "");
}

bool downloads(const ServerUse& use) {
  return !use.model.empty() && use.model.front() != '/' &&
         use.model.find("://") == std::string::npos;
}

double loading_seconds(double weight_bytes, bool downloaded) {
  return (downloaded ? weight_bytes / 200e6 : 0) + weight_bytes / 1e9 + 120;
}

}  // namespace kneepoint::doctor
