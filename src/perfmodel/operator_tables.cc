#include "perfmodel/operator_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "perfmodel/operator_format.h"

namespace kneepoint::perfmodel {
namespace {

constexpr auto kKinds = static_cast<std::size_t>(OperatorKind::Count);

tl::unexpected<Error> damaged(std::string_view what) {
  return fail(ErrorCode::Incompatible,
              fmt::format("damaged file of kernel times: {}; install it again", what));
}

int axes_of(OperatorKind kind) {
  if (kind == OperatorKind::Gemm) return 3;
  return kind == OperatorKind::Decode || kind == OperatorKind::MlaDecode ? 2 : 1;
}

template <std::size_t n>
std::string_view text_of(const char (&field)[n]) {
  return {field, strnlen(field, n)};
}

bool sane(double value) { return std::isfinite(value) && value >= 0 && value < 1e9; }

/// What the header promises, found to lie inside the bytes.
struct Sections {
  packed::Header header;
  std::span<const packed::SystemEntry> systems;
  std::span<const packed::GridEntry> grids;
  std::span<const std::int32_t> axes;
  std::span<const std::int16_t> values;
};

Result<Sections> sections(std::string_view bytes) {
  Sections out;
  packed::Header& header = out.header;
  if (bytes.size() < sizeof header) return damaged("shorter than its header");
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % 8 != 0) return damaged("not aligned");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (std::memcmp(header.magic, packed::kMagic, sizeof header.magic) != 0)
    return damaged("it holds something else");
  if (header.version != packed::kVersion)
    return fail(ErrorCode::Incompatible,
                "the kernel times were packed by another version of kneepoint; build or install "
                "both together");
  constexpr std::uint64_t most = 1u << 28;
  if (header.systems > 1000 || header.grids > most / 64 || header.axis_points > most ||
      header.values > most || header.axis_points % 2 != 0 || header.values % 4 != 0)
    return damaged("its counts are out of range");
  const std::uint64_t grids_at =
      sizeof header + header.systems * std::uint64_t{sizeof(packed::SystemEntry)};
  const std::uint64_t axes_at = grids_at + header.grids * std::uint64_t{sizeof(packed::GridEntry)};
  const std::uint64_t values_at = axes_at + header.axis_points * std::uint64_t{4};
  if (bytes.size() != values_at + header.values * 2) return damaged("its sizes do not add up");
  if (content_hash(bytes.substr(sizeof header)) != std::string_view(header.hash, 32))
    return damaged("its checksum does not match");
  const char* data = bytes.data();
  out.systems = {reinterpret_cast<const packed::SystemEntry*>(data + sizeof header),
                 header.systems};
  out.grids = {reinterpret_cast<const packed::GridEntry*>(data + grids_at), header.grids};
  out.axes = {reinterpret_cast<const std::int32_t*>(data + axes_at), header.axis_points};
  out.values = {reinterpret_cast<const std::int16_t*>(data + values_at), header.values};
  return out;
}

/// For each point of the axes: how far from there the points rise without a break.
std::vector<std::uint32_t> rises_until(std::span<const std::int32_t> axes) {
  std::vector<std::uint32_t> out(axes.size());
  for (std::size_t i = axes.size(); i-- > 0;) {
    const bool rises = i + 1 < axes.size() && axes[i] < axes[i + 1];
    out[i] = rises ? out[i + 1] : static_cast<std::uint32_t>(i + 1);
  }
  return out;
}

/// Whether grid_of() may read it.
Result<void> check(const packed::GridEntry& entry, const Sections& in,
                   std::span<const std::uint32_t> rises_until) {
  if (entry.kind >= kKinds || entry.type >= static_cast<std::uint8_t>(Dtype::Count) ||
      entry.kv > static_cast<std::uint8_t>(Dtype::Fp8) ||
      entry.axes != axes_of(static_cast<OperatorKind>(entry.kind)))
    return damaged("a grid of no known kind");
  for (const std::int32_t number : entry.numbers)
    if (number < 0) return damaged("a grid with a negative key");
  std::uint64_t values = 1;
  for (std::size_t a = 0; a < entry.axes; ++a) {
    const std::uint64_t first = entry.axis_first[a];
    const std::uint64_t points = entry.axis_points[a];
    if (points < 1 || points > 4096 || first + points > in.axes.size())
      return damaged("an axis runs past the end");
    if (in.axes[first] < 1 || first + points > rises_until[first])
      return damaged("an axis that does not rise");
    values *= points;
  }
  if (entry.first_value > in.values.size() || values > in.values.size() - entry.first_value)
    return damaged("the times of a grid run past the end");
  return {};
}

Grid grid_of(const packed::GridEntry& entry, std::span<const std::int32_t> axes,
             std::span<const std::int16_t> values) {
  Grid grid;
  grid.kind = static_cast<OperatorKind>(entry.kind);
  grid.type = static_cast<Dtype>(entry.type);
  grid.kv = static_cast<Dtype>(entry.kv);
  std::copy(std::begin(entry.numbers), std::end(entry.numbers), grid.numbers.begin());
  std::size_t count = 1;
  for (std::size_t a = 0; a < entry.axes; ++a) {
    grid.axes[a] = axes.subspan(entry.axis_first[a], entry.axis_points[a]);
    count *= entry.axis_points[a];
  }
  grid.values = values.subspan(entry.first_value, count);
  return grid;
}

}  // namespace

/// The grids of one system as they lie in the file, checked, and once somebody asks as Grid.
class SystemGrids {
 public:
  SystemGrids(std::span<const packed::GridEntry> entries, std::span<const std::int32_t> axes,
              std::span<const std::int16_t> values)
      : entries_(entries), axes_(axes), values_(values) {}

  std::span<const Grid> of(OperatorKind kind) {
    std::call_once(once_, [&] { make(); });
    return by_kind_[static_cast<std::size_t>(kind)];
  }

 private:
  void make() {
    grids_.reserve(entries_.size());
    for (const packed::GridEntry& entry : entries_)
      grids_.push_back(grid_of(entry, axes_, values_));
    for (std::size_t kind = 0; kind < kKinds; ++kind) {
      const auto run =
          std::ranges::equal_range(grids_, static_cast<OperatorKind>(kind), {}, &Grid::kind);
      by_kind_[kind] = {run.begin(), run.end()};
    }
  }

  std::span<const packed::GridEntry> entries_;  // ordered by kind
  std::span<const std::int32_t> axes_;
  std::span<const std::int16_t> values_;
  std::once_flag once_;
  std::vector<Grid> grids_;
  std::array<std::span<const Grid>, kKinds> by_kind_;
};

std::span<const Grid> System::of(OperatorKind kind) const {
  return grids == nullptr ? std::span<const Grid>() : grids->of(kind);
}

Result<OperatorTables> OperatorTables::unpack(std::string_view bytes,
                                              std::shared_ptr<const void> memory) {
  const auto in = sections(bytes);
  if (!in) return fail(in.error());
  auto index = std::make_shared<Index>();
  index->memory = std::move(memory);
  const std::vector<std::uint32_t> rising = rises_until(in->axes);
  for (const packed::GridEntry& entry : in->grids)
    if (auto sound = check(entry, *in, rising); !sound) return fail(std::move(sound).error());
  for (const packed::SystemEntry& entry : in->systems) {
    for (const double figure : {entry.capability, entry.bandwidth_gbs, entry.bf16_tflops,
                                entry.fp8_tflops, entry.fp4_tflops, entry.link_gbs})
      if (!sane(figure)) return damaged("a data sheet figure is out of range");
    if (entry.bandwidth_gbs <= 0 || entry.bf16_tflops <= 0 || entry.link_gbs <= 0)
      return damaged("a system without bandwidth, compute or link");
    if (entry.first_grid > in->grids.size() || entry.grids > in->grids.size() - entry.first_grid)
      return damaged("the grids of a system run past the end");
    System system;
    system.name = text_of(entry.name);
    for (const std::string_view id : split(text_of(entry.accelerators), ' '))
      if (!id.empty()) system.accelerators.emplace_back(id);
    if (entry.capability > 0) system.capability = entry.capability;
    system.bandwidth_gbs = entry.bandwidth_gbs;
    system.bf16_tflops = entry.bf16_tflops;
    system.fp8_tflops = entry.fp8_tflops;
    system.fp4_tflops = entry.fp4_tflops;
    system.link_gbs = entry.link_gbs;
    const auto grids = in->grids.subspan(entry.first_grid, entry.grids);
    if (!std::ranges::is_sorted(grids, {}, &packed::GridEntry::kind))
      return damaged("grids out of order");
    system.grids = std::make_shared<SystemGrids>(grids, in->axes, in->values);
    index->systems.push_back(std::move(system));
  }
  OperatorTables out;
  out.index_ = std::move(index);
  out.hash_.assign(in->header.hash, 32);
  return out;
}

Result<OperatorTables> OperatorTables::open(const std::filesystem::path& path) {
  auto file = MappedFile::open(path);
  if (!file) return fail(std::move(file).error().during("open the kernel times"));
  auto memory = std::make_shared<const MappedFile>(std::move(*file));
  auto tables = unpack(memory->bytes(), memory);
  if (!tables) return fail(std::move(tables).error().during(path.string()));
  return tables;
}

std::span<const System> OperatorTables::systems() const {
  if (index_ == nullptr) return {};
  return index_->systems;
}

const System* OperatorTables::system(std::string_view name) const {
  for (const System& system : systems())
    if (system.name == name) return &system;
  return nullptr;
}

const System* OperatorTables::measured_on(std::string_view accelerator) const {
  for (const System& system : systems())
    if (std::ranges::find(system.accelerators, accelerator) != system.accelerators.end())
      return &system;
  return nullptr;
}

OperatorTables OperatorTables::without(std::string_view name) const {
  OperatorTables out = *this;
  auto index = std::make_shared<Index>();
  for (const System& system : systems())
    if (system.name != name) index->systems.push_back(system);
  index->memory = index_;  // their grids live there
  out.index_ = std::move(index);
  out.hash_ = content_hash(hash_ + " without " + std::string(name));
  return out;
}

}  // namespace kneepoint::perfmodel
