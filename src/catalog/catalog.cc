#include "catalog/catalog.h"

#include <algorithm>
#include <unordered_map>

#include "base/file.h"
#include "base/text.h"
#include "catalog/container.h"
#include "catalog/rows.h"

namespace kneepoint::catalog {
namespace {

/// The rows of one table over all layers: a key's rows come from the highest layer that has it.
template <class T>
std::vector<T> gather(const std::vector<Layer>& layers, const std::vector<TableSet>& sets,
                      std::string_view table, T (*read)(const Row&)) {
  const TableSchema& wanted = *schema(table);
  const auto place = static_cast<std::size_t>(&wanted - schemas().data());
  const auto key_of = [&](const Table& rows, std::size_t r) {
    std::string key;
    for (const std::string_view column : wanted.key) {
      key += rows.text(r, column);
      key += '\x1f';
    }
    return key;
  };
  std::unordered_map<std::string, std::size_t> highest;  // key -> layer, overlaid keys only
  for (std::size_t l = layers.size(); l-- > 1;) {
    const Table& rows = sets[l].tables[place];
    for (std::size_t r = 0; r < rows.rows(); ++r) highest.emplace(key_of(rows, r), l);
  }
  std::vector<T> out;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const Table& rows = sets[l].tables[place];
    for (std::size_t r = 0; r < rows.rows(); ++r) {
      if (!highest.empty()) {
        const auto hidden = highest.find(key_of(rows, r));
        if (hidden != highest.end() && hidden->second != l) continue;
      }
      out.push_back(read(Row{rows, r, layers[l]}));
    }
  }
  return out;
}

template <class T, class Key>
const T* find(const std::vector<T>& rows, std::string_view wanted, Key key) {
  for (const T& row : rows) {
    if (row.*key == wanted) return &row;
  }
  return nullptr;
}

/// Whether a row valid from `since` (inclusive) to `until` (exclusive) covers the version. A
/// version nobody can order (a nightly, a tag) counts as newer than all.
bool covers(const std::string& since, const std::string& until, std::string_view version) {
  if (!since.empty() && compare_versions(version, since).value_or(1) < 0) return false;
  return until.empty() || compare_versions(version, until).value_or(1) < 0;
}

/// Of the rows that cover the version, the one that came last.
template <class T, class Word>
const T* newest(const std::vector<T>& rows, std::string_view server, std::string_view version,
                Word word, std::string_view wanted) {
  const T* best = nullptr;
  for (const T& row : rows) {
    if (row.server != server || row.*word != wanted || !covers(row.since, row.until, version)) {
      continue;
    }
    const auto later = [&] {
      if (best->since.empty()) return !row.since.empty();
      return !row.since.empty() && compare_versions(row.since, best->since).value_or(0) > 0;
    };
    if (best == nullptr || later()) best = &row;
  }
  return best;
}

}  // namespace

class Opener {
 public:
  Result<Catalog> open(const std::filesystem::path& shipped, std::span<const Overlay> overlays) {
    if (auto done = add_shipped(shipped); !done) return fail(std::move(done).error());
    for (const Overlay& overlay : overlays) {
      if (auto done = add_overlay(overlay); !done) return fail(std::move(done).error());
    }
    Catalog& c = out_;
    c.models_ = gather(c.layers_, c.tables_, "models", read_model);
    c.accelerators_ = gather(c.layers_, c.tables_, "accelerators", read_accelerator);
    c.machines_ = gather(c.layers_, c.tables_, "machines", read_machine);
    c.prices_ = gather(c.layers_, c.tables_, "prices", read_price);
    c.regions_ = gather(c.layers_, c.tables_, "regions", read_region);
    c.use_cases_ = gather(c.layers_, c.tables_, "use_cases", read_use_case);
    c.servers_ = gather(c.layers_, c.tables_, "servers", read_server);
    c.server_versions_ = gather(c.layers_, c.tables_, "server_versions", read_server_version);
    c.server_flags_ = gather(c.layers_, c.tables_, "server_flags", read_server_flag);
    c.server_metrics_ = gather(c.layers_, c.tables_, "server_metrics", read_server_metric);
    c.sources_ = gather(c.layers_, c.tables_, "sources", read_source);
    return std::move(out_);
  }

 private:
  Result<void> add_shipped(const std::filesystem::path& path) {
    auto file = MappedFile::open(path);
    if (!file) return fail(std::move(file).error().during("open the catalog"));
    auto memory = std::make_shared<const MappedFile>(std::move(*file));
    const std::string_view bytes = memory->bytes();
    auto tables = unpack(bytes, memory);
    if (!tables) return fail(std::move(tables).error().during(path.string()));
    out_.layers_.push_back({"shipped", path, 0, tables->hash});
    out_.tables_.push_back(std::move(*tables));
    return {};
  }

  Result<void> add_overlay(const Overlay& overlay) {
    const auto rows = read_folder(overlay.folder, Origin::User);
    if (!rows) return fail(rows.error());
    auto memory = std::make_shared<const std::string>(pack(*rows));
    auto tables = unpack(*memory, memory);
    if (!tables) return fail(std::move(tables).error().during(overlay.folder.string()));
    out_.layers_.push_back(
        {overlay.name, overlay.folder, static_cast<int>(out_.layers_.size()), tables->hash});
    out_.tables_.push_back(std::move(*tables));
    return {};
  }

  Catalog out_;
};

Result<Catalog> Catalog::open(const std::filesystem::path& shipped,
                              std::span<const Overlay> overlays) {
  return Opener().open(shipped, overlays);
}

const Model* Catalog::model(std::string_view id) const { return find(models_, id, &Model::id); }
const Accelerator* Catalog::accelerator(std::string_view id) const {
  return find(accelerators_, id, &Accelerator::id);
}
const Server* Catalog::server(std::string_view name) const {
  return find(servers_, name, &Server::name);
}
const Source* Catalog::source(std::string_view name) const {
  return find(sources_, name, &Source::name);
}

const Machine* Catalog::machine(std::string_view provider, std::string_view machine_type) const {
  for (const Machine& machine : machines_) {
    if (machine.provider == provider && machine.machine_type == machine_type) return &machine;
  }
  return nullptr;
}

const ServerVersion* Catalog::server_version(std::string_view server,
                                             std::string_view version) const {
  for (const ServerVersion& row : server_versions_) {
    if (row.server == server && row.version == version) return &row;
  }
  return nullptr;
}

const UseCase* Catalog::use_case(std::string_view name_or_alias) const {
  const std::string wanted = lower(name_or_alias);
  for (const UseCase& use_case : use_cases_) {
    if (lower(use_case.name) == wanted) return &use_case;
    for (const std::string& alias : use_case.aliases) {
      if (lower(alias) == wanted) return &use_case;
    }
  }
  return nullptr;
}

const ServerFlag* Catalog::flag(std::string_view server, std::string_view version,
                                std::string_view purpose) const {
  return newest(server_flags_, server, version, &ServerFlag::purpose, purpose);
}

const ServerMetric* Catalog::metric(std::string_view server, std::string_view version,
                                    std::string_view signal) const {
  return newest(server_metrics_, server, version, &ServerMetric::signal, signal);
}

const Table* Catalog::raw(std::size_t layer, std::string_view table) const {
  const TableSchema* wanted = schema(table);
  if (layer >= tables_.size() || wanted == nullptr) return nullptr;
  return &tables_[layer].tables[static_cast<std::size_t>(wanted - schemas().data())];
}

}  // namespace kneepoint::catalog
