#include "manifest/facts.h"

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "catalog/catalog.h"
#include "catalog/server_hardware.h"
#include "manifest/gguf.h"
#include "manifest/text.h"

namespace kneepoint::manifest {
namespace {

tl::unexpected<Error> not_found(std::string_view what, const std::string& wanted,
                                const std::vector<std::string>& names) {
  std::string message = "no " + std::string(what) + " " + shown(wanted) + " in the catalog";
  if (const auto near = nearest(wanted.substr(0, 200), names); !near.empty())
    message += "; did you mean " + join(near, ", ") + "?";
  return fail(ErrorCode::NotFound, std::move(message));
}

template <class Row>
std::vector<std::string> names_of(const std::vector<Row>& rows, std::string Row::* name) {
  std::vector<std::string> names;
  names.reserve(rows.size());
  for (const Row& row : rows) names.push_back(row.*name);
  return names;
}

/// The newest release that has an image and runs there; empty when the catalog has none.
std::string newest_release(const catalog::Catalog& catalog, const std::string& server,
                           const catalog::Accelerator& on) {
  const catalog::ServerHardware hardware(catalog);
  std::string newest;
  for (const auto& row : catalog.server_versions()) {
    if (row.server != server || row.channel != "release" || row.image.empty()) continue;
    if (hardware.runs_on(server, on) && !hardware.runs_release(server, on, row.version)) continue;
    if (newest.empty() || catalog::compare_versions(row.version, newest).value_or(-1) > 0)
      newest = row.version;
  }
  return newest;
}

/// "0.14.0" of "0.14.0(g11b6af528)" or "0.6.3.dev116+g151ef4ef"; empty when it starts otherwise.
std::string release_of(std::string_view version) {
  const auto end = version.find_first_not_of("0123456789.");
  std::string_view number = version.substr(0, end);
  while (!number.empty() && number.back() == '.') number.remove_suffix(1);
  return std::count(number.begin(), number.end(), '.') >= 1 ? std::string(number) : "";
}

/// Projects differ in whether their tags carry a v; the images of known versions tell.
bool tags_have_v(const catalog::Catalog& catalog, const std::string& server) {
  return std::ranges::any_of(catalog.server_versions(), [&](const auto& row) {
    return row.server == server && row.image.find(":v" + row.version) != std::string::npos;
  });
}

/// Every version the catalog can name should give an image that can be pulled: the row's own, the
/// tag by the naming rule, or, for a build that was never published, the release of its number.
Result<void> find_image(const catalog::Catalog& catalog, const Request& request, Facts& facts) {
  const auto* row = catalog.server_version(facts.server.name, facts.version);
  if (!request.image.empty()) {
    if (!is_image_reference(request.image))
      return fail(ErrorCode::InvalidArgument, shown(request.image) + " is not an image reference");
    facts.image = request.image;
    if (row == nullptr || row->image != request.image) facts.image_from = "given with the request";
    return {};
  }
  if (row != nullptr && !row->image.empty()) {
    facts.image = row->image;
    return {};
  }
  if (row == nullptr && !is_image_tag(facts.version))
    return fail(ErrorCode::InvalidArgument, shown(facts.version) + " is not a version of " +
                                                facts.server.name + " nor an image tag");
  const std::string& repository = facts.server.image_repository;
  const std::string number = release_of(facts.version);
  // llama.cpp numbers its builds, and has images for several kinds of accelerators.
  if (row == nullptr && facts.server.name == "llama.cpp" && facts.version.starts_with("b")) {
    facts.image = repository + ":server-cuda-" + facts.version;
    facts.image_from = "by the naming rule; the catalog does not know this build";
    return {};
  }
  if (repository.empty() || (row != nullptr && number.empty())) return {};  // create() says so
  const std::string v = !number.empty() && tags_have_v(catalog, facts.server.name) ? "v" : "";
  if (row == nullptr) {
    facts.image = repository + ":" + v + facts.version;
    facts.image_from = "by the naming rule; the catalog does not know this version";
  } else {
    facts.image = repository + ":" + v + number;
    facts.image_from = "the release of the same number, because the build " + facts.version +
                       " was not published as an image: measured figures may differ";
  }
  return {};
}

Result<void> find_machine(const catalog::Catalog& catalog, const Request& request, Facts& facts) {
  if (!request.machine_type.empty()) {
    const auto* machine = catalog.machine(request.provider, request.machine_type);
    if (machine == nullptr)
      return not_found(request.provider == "gcp" ? "machine type" : "machine type of the provider",
                       request.machine_type,
                       names_of(catalog.machines(), &catalog::Machine::machine_type));
    facts.machine = facts.host = *machine;
    facts.machines = {*machine};
    facts.arm_host = machine->arch == "arm64";
    return {};
  }
  bool arm = false;
  bool other = false;
  for (const auto& machine : catalog.machines()) {
    if (machine.accelerator != facts.accelerator.id) continue;
    (machine.arch == "arm64" ? arm : other) = true;
    if (machine.provider != request.provider) continue;
    facts.machines.push_back(machine);
    // The first of equals: the plain family stands before its variants.
    if (!facts.host || machine.accelerator_count > facts.host->accelerator_count)
      facts.host = machine;
  }
  facts.arm_host = arm && !other;
  return {};
}

}  // namespace

Result<Facts> resolve(const catalog::Catalog& catalog, const Request& request) {
  const auto* model = catalog.model(request.model);
  const auto* checkpoint = request.checkpoint.empty() ? model : catalog.model(request.checkpoint);
  const auto* accelerator = catalog.accelerator(request.accelerator);
  const auto* server = catalog.server(request.model_server);
  if (model == nullptr && checkpoint == nullptr && !request.model_known)
    return not_found("model", request.model, names_of(catalog.models(), &catalog::Model::id));
  if (accelerator == nullptr)
    return not_found("accelerator", request.accelerator,
                     names_of(catalog.accelerators(), &catalog::Accelerator::id));
  if (server == nullptr)
    return not_found("model server", request.model_server,
                     names_of(catalog.servers(), &catalog::Server::name));

  Facts facts;
  if (checkpoint != nullptr || model != nullptr) {
    facts.model = checkpoint != nullptr ? *checkpoint : *model;
  } else {
    facts.model.id = request.model;  // every size stays unknown
    facts.model.model_type = "unknown";
  }
  facts.checkpoint_known = checkpoint != nullptr;
  facts.accelerator = *accelerator;
  facts.server = *server;
  facts.version = request.model_server_version;
  if (facts.version.empty() && !request.image.empty()) {
    const auto colon = request.image.rfind(':');
    facts.version = colon == std::string::npos ? "latest" : request.image.substr(colon + 1);
  }
  if (facts.version.empty()) facts.version = newest_release(catalog, server->name, *accelerator);
  const bool v_number = facts.version.size() > 1 && facts.version[0] == 'v' &&
                        facts.version[1] >= '0' && facts.version[1] <= '9';
  if (v_number) facts.version.erase(0, 1);
  if (facts.version.empty())
    return fail(ErrorCode::Unsatisfiable, "the catalog has no release of " + server->name +
                                              " with an image; name a version or an image");
  if (auto found = find_image(catalog, request, facts); !found) return fail(found.error());
  if (auto found = find_machine(catalog, request, facts); !found) return fail(found.error());
  if (loads_gguf(facts.server)) {
    if (auto ok = describe_gguf(request, facts); !ok) return fail(ok.error());
  }
  for (const auto& row : catalog.server_flags()) {
    if (row.server != server->name) continue;
    if (const auto* flag = catalog.flag(server->name, facts.version, row.purpose))
      facts.flags.emplace(row.purpose, *flag);
  }
  for (const auto& row : catalog.server_metrics()) {
    if (row.server != server->name) continue;
    if (const auto* metric = catalog.metric(server->name, facts.version, row.signal))
      facts.metrics.emplace(row.signal, *metric);
  }
  return facts;
}

Result<void> runs_there(const catalog::Catalog& catalog, const Request& request,
                        const Facts& facts) {
  const catalog::ServerHardware hardware(catalog);
  const std::string& server = facts.server.name;
  const catalog::Accelerator& on = facts.accelerator;
  if (!hardware.knows(server)) return {};
  if (!hardware.runs_on(server, on)) {
    std::vector<std::string> others;
    for (const auto& row : catalog.servers()) {
      if (hardware.runs_on(row.name, on)) others.push_back(row.name);
    }
    return fail(ErrorCode::Unsatisfiable,
                server + " does not run on " + on.id + " (" + on.vendor + " " + on.arch + ")" +
                    (others.empty() ? "; choose another accelerator"
                                    : "; these do: " + join(others, ", ")));
  }
  // Whoever brings an image of their own may have built it for the accelerator.
  if (request.image.empty() && !hardware.runs_release(server, on, facts.version)) {
    const std::string newest(hardware.newest(server, on));
    return fail(ErrorCode::Unsatisfiable, server + " " + facts.version + " does not run on " +
                                              on.id + " (" + on.arch +
                                              "); the newest release that does is " + newest +
                                              ": --model-server-version=" + newest);
  }
  // What an unnamed checkpoint holds, or what is made of it while loading, is not checked.
  if (!facts.checkpoint_known || !request.weight_precision.empty()) return {};
  const std::string format = catalog::checkpoint_format(facts.model);
  if (!format.empty() && facts.model.weight_bits && !hardware.runs(server, on, format))
    return fail(ErrorCode::Unsatisfiable, server + " does not run the " + format + " weights of " +
                                              facts.model.id + " on " + on.id + " (" + on.arch +
                                              "); name a checkpoint in another format");
  return {};
}

bool needs_more_mappings(const Facts& facts) {
  return facts.accelerator.vendor == "google" && facts.accelerator.gke_label == "tpu7x";
}

}  // namespace kneepoint::manifest
