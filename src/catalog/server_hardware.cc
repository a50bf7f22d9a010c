#include "catalog/server_hardware.h"

#include <algorithm>

#include "base/text.h"

namespace kneepoint::catalog {
namespace {

bool has_word(std::string_view words, std::string_view wanted) {
  const auto all = split(words, ' ');
  return std::find(all.begin(), all.end(), wanted) != all.end();
}

}  // namespace

std::string checkpoint_format(const Model& model) {
  const std::string& named = model.quantization;
  if (named.empty()) return model.dtype == "float16" ? "fp16" : "bf16";
  if (named == "fp8" || named == "nvfp4" || named == "mxfp4") return named;
  if (!model.weight_bits) return {};
  const bool whole_numbers =
      named.find("int") != std::string::npos || named == "awq" || named == "gptq";
  if (*model.weight_bits <= 4) return "int4";
  if (*model.weight_bits <= 8) return whole_numbers ? "int8" : "fp8";
  return "bf16";
}

ServerHardware::ServerHardware(const Catalog& catalog) {
  for (std::size_t layer = catalog.layers().size(); layer-- > 0;) {
    const Table& table = *catalog.raw(layer, "server_hardware");
    for (std::size_t r = 0; r < table.rows(); ++r) {
      const Row row{table.text(r, "server"),  table.text(r, "vendor"), table.text(r, "arch"),
                    table.text(r, "weights"), table.text(r, "family"), table.text(r, "newest")};
      const bool replaced = std::any_of(rows_.begin(), rows_.end(), [&](const Row& higher) {
        return higher.server == row.server && higher.vendor == row.vendor &&
               higher.arch == row.arch;
      });
      if (!replaced) rows_.push_back(row);
    }
  }
}

bool ServerHardware::knows(std::string_view server) const {
  return std::any_of(rows_.begin(), rows_.end(),
                     [&](const Row& row) { return row.server == server; });
}

const ServerHardware::Row* ServerHardware::row(std::string_view server,
                                               const Accelerator& accelerator) const {
  const auto found = std::find_if(rows_.begin(), rows_.end(), [&](const Row& one) {
    return one.server == server && one.vendor == accelerator.vendor && one.arch == accelerator.arch;
  });
  return found == rows_.end() ? nullptr : &*found;
}

bool ServerHardware::runs_on(std::string_view server, const Accelerator& accelerator) const {
  return row(server, accelerator) != nullptr;
}

std::string_view ServerHardware::newest(std::string_view server,
                                        const Accelerator& accelerator) const {
  const Row* found = row(server, accelerator);
  return found == nullptr ? std::string_view{} : found->newest;
}

bool ServerHardware::runs_release(std::string_view server, const Accelerator& accelerator,
                                  std::string_view version) const {
  const Row* found = row(server, accelerator);
  if (found == nullptr || found->newest.empty()) return found != nullptr;
  return compare_versions(version, found->newest).value_or(0) <= 0;
}

bool ServerHardware::runs(std::string_view server, const Accelerator& accelerator,
                          std::string_view format) const {
  const Row* found = row(server, accelerator);
  if (found == nullptr) return false;
  if (format.empty()) return has_word(found->weights, "fp8") && has_word(found->weights, "int4");
  return has_word(found->weights, format);
}

std::vector<std::string> ServerHardware::family(std::string_view server) const {
  std::vector<std::string> out{std::string(server)};
  for (const Row& row : rows_) {
    if (row.family == server && std::find(out.begin(), out.end(), row.server) == out.end()) {
      out.emplace_back(row.server);
    }
  }
  return out;
}

}  // namespace kneepoint::catalog
