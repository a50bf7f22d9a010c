#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "cluster/fields.h"
#include "cluster/kubectl.h"

/// What is ours: the objects of one deployment, called a set, carry its name as a label, and a
/// ConfigMap lists each with its uid. An object belongs to a set only when both say so: a copy of
/// one of ours has our label and is not ours; one that was deleted and made anew by somebody has
/// our name and is not ours.
namespace kneepoint::cluster {

inline constexpr const char* kFieldManager = "kneepoint";
inline constexpr const char* kManagedBy = "app.kubernetes.io/managed-by";
inline constexpr const char* kSetLabel = "kneepoint.dev/set";
inline constexpr const char* kInventoryLabel = "kneepoint.dev/inventory";

struct Owned {
  Ref ref;
  std::string uid;  // empty: about to be made when the list was written
};

struct Inventory {
  std::string set, namespace_name;
  std::vector<Owned> objects;
  json::Value promise;  // what the deployment is to reach, see docs/deploy.md; null: nothing known
  std::string uid{}, version{};  // of the list as it was read; empty: of one not written yet

  const Owned* find(const Ref& ref) const;
};

/// Valid as a label and within a name.
bool is_set_name(std::string_view name);
/// Of the ConfigMap.
std::string inventory_name(std::string_view set);

json::Object to_json(const Inventory& inventory);
Result<Inventory> inventory_from(const json::Object& config_map);

/// Puts our labels on.
void mark(json::Object& object, std::string_view set);

enum class Whose { Nobodys, Ours, Others };
/// `live`: as the server has it, or null.
Whose whose(const json::Object* live, const Inventory& inventory);

/// Of a set; nothing when there is none.
Result<std::optional<Inventory>> read_inventory(const Kubectl& kubectl,
                                                const std::string& namespace_name,
                                                const std::string& set);
/// All in a namespace, by name.
Result<std::vector<Inventory>> list_inventories(const Kubectl& kubectl,
                                                const std::string& namespace_name);
Result<void> write_inventory(const Kubectl& kubectl, const Inventory& inventory);

/// The live ones of these; those that are not there are left out.
Result<std::vector<json::Object>> get_live(const Kubectl& kubectl, const std::vector<Ref>& refs);

}  // namespace kneepoint::cluster
