#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/types.h"
#include "manifest/request.h"

namespace kneepoint::catalog {
class Catalog;
}

namespace kneepoint::manifest {

/// What the catalog says about a request: the rows it names and what holds for its server version.
struct Facts {
  catalog::Model model;          // of the checkpoint when the catalog has it, else of the model
  bool checkpoint_known = true;  // false: `model` describes the model, not the checkpoint named
  catalog::Accelerator accelerator;
  catalog::Server server;
  std::string version;     // as the catalog or the user names it, without a leading v
  std::string image;       // empty: none known
  std::string image_from;  // how the image was found, when not from a catalog row
  std::optional<catalog::Machine> machine;
  std::optional<catalog::Machine> host;  // the machine asked for, else the one that holds the most
  std::vector<catalog::Machine> machines;  // of the provider, with this accelerator
  bool arm_host = false;  // every machine with this accelerator has an Arm processor
  std::map<std::string, catalog::ServerFlag> flags;      // by purpose
  std::map<std::string, catalog::ServerMetric> metrics;  // by signal
};

/// NotFound names what the catalog does not hold, with near names.
Result<Facts> resolve(const catalog::Catalog& catalog, const Request& request);

/// Unsatisfiable: by the catalog's table server_hardware the server does not run on the
/// accelerator, or not with these weights. A server that the table does not name may run anywhere.
Result<void> runs_there(const catalog::Catalog& catalog, const Request& request,
                        const Facts& facts);

/// TPU7x, whose recipe raises vm.max_map_count of the node first.
bool needs_more_mappings(const Facts& facts);

}  // namespace kneepoint::manifest
