#include "cluster/owned.h"

#include <algorithm>

namespace kneepoint::cluster {
namespace {

constexpr const char* kVersion = "1";  // of the ConfigMap's own form

json::Object& object_at(json::Object& in, std::string_view key) {
  json::Value& value = in[key];
  if (!value.is_object()) value.emplace_object();
  return value.get_object();
}

}  // namespace

const Owned* Inventory::find(const Ref& ref) const {
  const auto it = std::find_if(objects.begin(), objects.end(),
                               [&](const Owned& each) { return each.ref.same(ref); });
  return it == objects.end() ? nullptr : &*it;
}

bool is_set_name(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= 63 && plain(name.front()) && plain(name.back()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return plain(c) || c == '-'; });
}

std::string inventory_name(std::string_view set) { return "kneepoint-set-" + std::string(set); }

json::Object to_json(const Inventory& inventory) {
  json::Array objects;
  for (const Owned& each : inventory.objects) {
    objects.push_back(json::Object{{"apiVersion", each.ref.api_version},
                                   {"kind", each.ref.kind},
                                   {"namespace", each.ref.namespace_name},
                                   {"name", each.ref.name},
                                   {"uid", each.uid}});
  }
  json::Object data{{"version", kVersion}, {"objects", json::to_line(objects)}};
  if (!inventory.promise.is_null()) data["promise"] = json::to_line(inventory.promise);
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", json::Object{{"name", inventory_name(inventory.set)},
                                    {"namespace", inventory.namespace_name},
                                    {"labels", json::Object{{kManagedBy, kFieldManager},
                                                            {kSetLabel, inventory.set},
                                                            {kInventoryLabel, "true"}}}}},
          {"data", std::move(data)}};
}

Result<Inventory> inventory_from(const json::Object& config_map) {
  Inventory out;
  out.set = label(config_map, kSetLabel);
  out.namespace_name = text_at(config_map, "/metadata/namespace");
  out.uid = text_at(config_map, "/metadata/uid");
  out.version = text_at(config_map, "/metadata/resourceVersion");
  const std::string name = text_at(config_map, "/metadata/name");
  if (text_at(config_map, "/data/version") != kVersion) {
    return fail(
        ErrorCode::Incompatible,
        "ConfigMap " + name + " was written by another version of this program, or changed");
  }
  const auto objects = json::parse(text_at(config_map, "/data/objects"));
  if (!objects || !objects->is_array() || out.set.empty()) {
    return fail(ErrorCode::Incompatible,
                "ConfigMap " + name + " does not list what belongs to the deployment any more");
  }
  for (const json::Value& each : objects->get_array()) {
    out.objects.push_back({{text_at(each, "/apiVersion"), text_at(each, "/kind"),
                            text_at(each, "/namespace"), text_at(each, "/name")},
                           text_at(each, "/uid")});
  }
  if (auto promise = json::parse(text_at(config_map, "/data/promise")))
    out.promise = std::move(*promise);
  return out;
}

void mark(json::Object& object, std::string_view set) {
  json::Object& labels = object_at(object_at(object, "metadata"), "labels");
  labels[kManagedBy] = kFieldManager;
  labels[kSetLabel] = set;
}

Whose whose(const json::Object* live, const Inventory& inventory) {
  if (live == nullptr) return Whose::Nobodys;
  const Owned* listed = inventory.find(ref_of(*live));
  const bool ours = listed != nullptr && label(*live, kSetLabel) == inventory.set &&
                    (listed->uid.empty() || listed->uid == text_at(*live, "/metadata/uid"));
  return ours ? Whose::Ours : Whose::Others;
}

Result<std::optional<Inventory>> read_inventory(const Kubectl& kubectl,
                                                const std::string& namespace_name,
                                                const std::string& set) {
  const auto found = kubectl.get(
      {"configmap", inventory_name(set), "--ignore-not-found", "--namespace=" + namespace_name});
  if (!found) return fail(found.error());
  if (found->empty()) return std::nullopt;
  auto inventory = inventory_from(found->front());
  if (!inventory) return fail(std::move(inventory).error());
  return std::move(*inventory);
}

Result<std::vector<Inventory>> list_inventories(const Kubectl& kubectl,
                                                const std::string& namespace_name) {
  const auto found =
      kubectl.get({"configmaps", std::string("--selector=") + kInventoryLabel + "=true",
                   "--namespace=" + namespace_name});
  if (!found) return fail(found.error());
  std::vector<Inventory> out;
  for (const json::Object& each : *found) {
    auto inventory = inventory_from(each);
    if (!inventory) return fail(std::move(inventory).error());
    out.push_back(std::move(*inventory));
  }
  return out;
}

Result<void> write_inventory(const Kubectl& kubectl, const Inventory& inventory) {
  const auto done = kubectl.run({"apply", "--server-side", "--filename=-", "--force-conflicts",
                                 std::string("--field-manager=") + kFieldManager},
                                list_text({to_json(inventory)}));
  if (!done) return fail(Error(done.error()).during("write down what belongs to the deployment"));
  return {};
}

Result<std::vector<json::Object>> get_live(const Kubectl& kubectl, const std::vector<Ref>& refs) {
  if (refs.empty()) return std::vector<json::Object>{};
  std::vector<json::Object> wanted;
  for (const Ref& ref : refs) wanted.push_back(ref_json(ref));
  return kubectl.get({"--filename=-", "--ignore-not-found", "--show-managed-fields"},
                     list_text(wanted));
}

}  // namespace kneepoint::cluster
