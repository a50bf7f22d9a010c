#include "perfmodel/operator_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <span>

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "perfmodel/operator_format.h"
#include "perfmodel/operator_tables.h"

namespace kneepoint::perfmodel {
namespace {

constexpr std::int16_t kHole = std::numeric_limits<std::int16_t>::min();

struct KindWords {
  std::string_view name;
  OperatorKind kind;
  int axes;
  std::array<std::string_view, 7> numbers;
};
constexpr std::array kKinds = std::to_array<KindWords>({
    {"gemm", OperatorKind::Gemm, 3, {}},
    {"decode", OperatorKind::Decode, 2, {"head_dim", "window", "heads", "kv_heads"}},
    {"prefill", OperatorKind::Prefill, 1, {"head_dim", "window", "heads", "kv_heads"}},
    {"experts",
     OperatorKind::Experts,
     1,
     {"skew", "hidden", "intermediate", "experts", "top_k", "tp", "ep"}},
    {"mla_decode", OperatorKind::MlaDecode, 2, {"heads"}},
    {"mla_prefill", OperatorKind::MlaPrefill, 1, {"heads"}},
    {"all_reduce", OperatorKind::AllReduce, 1, {"gpus"}},
    {"all_gather", OperatorKind::AllGather, 1, {"gpus"}},
    {"reduce_scatter", OperatorKind::ReduceScatter, 1, {"gpus"}},
    {"alltoall", OperatorKind::AllToAll, 1, {"gpus"}},
});

struct TypeWord {
  std::string_view name;
  Dtype type;
};
constexpr std::array kTypes = std::to_array<TypeWord>({{"bf16", Dtype::Bf16},
                                                       {"fp8", Dtype::Fp8},
                                                       {"fp8_block", Dtype::Fp8Block},
                                                       {"nvfp4", Dtype::Nvfp4},
                                                       {"int4_wo", Dtype::Int4},
                                                       {"w4a16_mxfp4", Dtype::Mxfp4}});

/// Holes of one run over an axis. `slope`: powers of the last axis by which work grows past the
/// last measured point.
void fill_run(std::span<std::int16_t> run, std::span<const std::int32_t> axis, double slope) {
  const auto log_of = [&](std::size_t i) { return std::log2(static_cast<double>(axis[i])); };
  std::optional<std::size_t> last;
  for (std::size_t i = 0; i < run.size(); ++i) {
    if (run[i] == kHole) continue;
    if (!last) std::fill(run.begin(), run.begin() + static_cast<std::ptrdiff_t>(i), run[i]);
    for (std::size_t j = last ? *last + 1 : i; j < i; ++j) {
      const double share = (log_of(j) - log_of(*last)) / (log_of(i) - log_of(*last));
      run[j] = static_cast<std::int16_t>(std::lround(run[*last] + share * (run[i] - run[*last])));
    }
    last = i;
  }
  if (!last) return;
  for (std::size_t j = *last + 1; j < run.size(); ++j)
    run[j] = static_cast<std::int16_t>(
        std::lround(run[*last] + slope * Grid::kSteps * (log_of(j) - log_of(*last))));
}

class Packer {
 public:
  Result<void> add(const SystemText& file) {
    file_ = &file.name;
    line_ = 0;
    axes_.clear();
    entry_ = {};
    entry_.first_grid = static_cast<std::uint32_t>(grids_.size());
    rows_left_ = 0;
    bool versioned = false;
    for (const std::string_view raw : split(file.text, '\n')) {
      ++line_;
      const std::string_view line = trim(raw);
      if (line.empty() || line.front() == '#') continue;
      if (rows_left_ > 0) {
        if (auto done = row(line); !done) return done;
        continue;
      }
      const std::size_t space = line.find(' ');
      const std::string_view word = line.substr(0, space);
      const std::string_view rest =
          space == std::string_view::npos ? std::string_view() : trim(line.substr(space));
      if (!versioned) {
        if (word != "kneepoint-operators" || rest != "1")
          return wrong("the first line must be: kneepoint-operators 1");
        versioned = true;
      } else if (auto done = statement(word, rest); !done) {
        return done;
      }
    }
    return finish_system();
  }

  std::string bytes() {
    if (axis_points_.size() % 2 != 0) axis_points_.push_back(0);
    values_.resize((values_.size() + 3) / 4 * 4, 0);
    std::string body;
    append(body, std::span<const packed::SystemEntry>(systems_));
    append(body, std::span<const packed::GridEntry>(grids_));
    append(body, std::span<const std::int32_t>(axis_points_));
    append(body, std::span<const std::int16_t>(values_));
    packed::Header header{};
    std::memcpy(header.magic, packed::kMagic, sizeof header.magic);
    header.version = packed::kVersion;
    header.systems = static_cast<std::uint32_t>(systems_.size());
    header.grids = static_cast<std::uint32_t>(grids_.size());
    header.axis_points = static_cast<std::uint32_t>(axis_points_.size());
    header.values = values_.size();
    std::memcpy(header.hash, content_hash(body).data(), 32);
    std::string out;
    append(out, std::span<const packed::Header>(&header, 1));
    return out + body;
  }

 private:
  struct Axis {
    std::uint32_t first = 0;
    std::uint32_t points = 0;
  };

  template <class T>
  static void append(std::string& out, std::span<const T> values) {
    out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  }

  tl::unexpected<Error> wrong(const std::string& what) const {
    return fail(ErrorCode::InvalidArgument, fmt::format("{}:{}: {}", *file_, line_, what));
  }

  template <std::size_t n>
  Result<void> put(char (&field)[n], std::string_view text) {
    if (text.empty() || text.size() >= n) return wrong(fmt::format("1 to {} characters", n - 1));
    std::memcpy(field, text.data(), text.size());
    return {};
  }

  Result<void> statement(std::string_view word, std::string_view rest) {
    if (word == "system") return put(entry_.name, rest);
    if (word == "accelerators") return put(entry_.accelerators, rest);
    if (word == "axis") return axis(rest);
    if (word == "grid") return grid(rest);
    const std::array figures{std::pair{"capability", &entry_.capability},
                             std::pair{"bandwidth_gbs", &entry_.bandwidth_gbs},
                             std::pair{"bf16_tflops", &entry_.bf16_tflops},
                             std::pair{"fp8_tflops", &entry_.fp8_tflops},
                             std::pair{"fp4_tflops", &entry_.fp4_tflops},
                             std::pair{"link_gbs", &entry_.link_gbs}};
    for (const auto& [name, figure] : figures) {
      if (word != name) continue;
      const auto value = parse_number(rest);
      if (!value || *value <= 0) return wrong("a figure above zero is expected");
      *figure = *value;
      return {};
    }
    return wrong(fmt::format("unknown word '{}'", word.substr(0, 40)));
  }

  Result<void> axis(std::string_view rest) {
    const auto words = split(rest, ' ');
    std::vector<std::int32_t> points;
    for (std::size_t i = 1; i < words.size(); ++i) {
      const auto value = parse_integer(words[i]);
      if (!value || *value < 1 || *value > std::numeric_limits<std::int32_t>::max() ||
          (!points.empty() && *value <= points.back()))
        return wrong("the points of an axis are whole numbers from 1 that rise");
      points.push_back(static_cast<std::int32_t>(*value));
    }
    if (points.empty() || points.size() > 4096) return wrong("an axis has 1 to 4096 points");
    const auto known = std::ranges::search(axis_points_, points);
    Axis result{static_cast<std::uint32_t>(known.begin() - axis_points_.begin()),
                static_cast<std::uint32_t>(points.size())};
    if (known.empty()) {
      result.first = static_cast<std::uint32_t>(axis_points_.size());
      axis_points_.insert(axis_points_.end(), points.begin(), points.end());
    }
    axes_[std::string(words.front())] = result;
    return {};
  }

  Result<void> grid(std::string_view rest) {
    const auto words = split(rest, ' ');
    const auto* kind = std::ranges::find(kKinds, words.front(), &KindWords::name);
    if (kind == kKinds.end()) return wrong("unknown kind of operator");
    packed::GridEntry entry{};
    entry.kind = static_cast<std::uint8_t>(kind->kind);
    entry.axes = static_cast<std::uint8_t>(kind->axes);
    std::uint64_t values = 1;
    for (std::size_t a = 0; a < static_cast<std::size_t>(kind->axes); ++a) {
      const auto found = a + 1 < words.size() ? axes_.find(std::string(words[a + 1])) : axes_.end();
      if (found == axes_.end()) return wrong("a grid names axes that stand above it");
      entry.axis_first[a] = found->second.first;
      entry.axis_points[a] = found->second.points;
      values *= found->second.points;
    }
    if (values > 1'000'000) return wrong("a grid has at most a million times");
    for (std::size_t i = 1 + static_cast<std::size_t>(kind->axes); i < words.size(); ++i)
      if (auto done = key(words[i], *kind, entry); !done) return done;
    entry.first_value = values_.size();
    run_ = entry.axis_points[entry.axes - 1];
    rows_left_ = values / run_;
    grids_.push_back(entry);
    return {};
  }

  Result<void> key(std::string_view word, const KindWords& kind, packed::GridEntry& entry) {
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) return wrong("key=value expected");
    const std::string_view name = word.substr(0, equals);
    const std::string_view value = word.substr(equals + 1);
    if (name == "type" || name == "kv") {
      const auto* type = std::ranges::find(kTypes, value, &TypeWord::name);
      if (type == kTypes.end()) return wrong("unknown type of numbers");
      (name == "type" ? entry.type : entry.kv) = static_cast<std::uint8_t>(type->type);
      return {};
    }
    const auto place = std::ranges::find(kind.numbers, name);
    const auto number = parse_integer(value);
    if (place == kind.numbers.end() || name.empty() || !number || *number < 0 ||
        *number > std::numeric_limits<std::int32_t>::max())
      return wrong(fmt::format("unknown key or no number: '{}'", word.substr(0, 40)));
    entry.numbers[place - kind.numbers.begin()] = static_cast<std::int32_t>(*number);
    return {};
  }

  Result<void> row(std::string_view line) {
    long long level = 0;
    std::size_t count = 0;
    for (const std::string_view word : split(line, ' ')) {
      ++count;
      if (word == ".") {
        values_.push_back(kHole);
        continue;
      }
      const auto step = parse_integer(word);
      if (!step || std::abs(*step) > 40'000) return wrong("a step of a time is a small number");
      level += *step;
      if (std::abs(level) > 8'000) return wrong("a time is out of range");
      values_.push_back(static_cast<std::int16_t>(level));
    }
    if (count != run_) return wrong(fmt::format("{} times expected, {} found", run_, count));
    if (--rows_left_ == 0) return fill(grids_.back());
    return {};
  }

  Result<void> fill(const packed::GridEntry& entry) {
    const auto kind = static_cast<OperatorKind>(entry.kind);
    double slope = 1;
    if (kind == OperatorKind::Decode && entry.numbers[1] > 0) slope = 0;  // a window is full
    if ((kind == OperatorKind::Prefill && entry.numbers[1] == 0) ||
        kind == OperatorKind::MlaPrefill)
      slope = 2;
    const auto axis_of = [&](std::size_t a) {
      return std::span<const std::int32_t>(axis_points_)
          .subspan(entry.axis_first[a], entry.axis_points[a]);
    };
    const std::span<std::int16_t> all = std::span(values_).subspan(entry.first_value);
    const std::size_t rows = all.size() / run_;
    for (std::size_t r = 0; r < rows; ++r)
      fill_run(all.subspan(r * run_, run_), axis_of(entry.axes - 1), slope);
    // What is left are whole rows: along the axis before, column by column.
    if (entry.axes > 1) {
      const std::size_t before = entry.axis_points[entry.axes - 2];
      std::vector<std::int16_t> column(before);
      for (std::size_t block = 0; block < rows / before; ++block) {
        for (std::size_t c = 0; c < run_; ++c) {
          const auto at = [&](std::size_t i) -> std::int16_t& {
            return all[(block * before + i) * run_ + c];
          };
          for (std::size_t i = 0; i < before; ++i) column[i] = at(i);
          fill_run(column, axis_of(entry.axes - 2), 1);
          for (std::size_t i = 0; i < before; ++i) at(i) = column[i];
        }
      }
    }
    if (std::ranges::find(all, kHole) != all.end())
      return wrong("a grid in which too little was measured");
    return {};
  }

  Result<void> finish_system() {
    if (rows_left_ > 0) return wrong("the file ends inside a grid");
    if (entry_.name[0] == '\0' || entry_.bandwidth_gbs <= 0 || entry_.bf16_tflops <= 0 ||
        entry_.link_gbs <= 0)
      return wrong("system, bandwidth_gbs, bf16_tflops and link_gbs are needed");
    entry_.grids = static_cast<std::uint32_t>(grids_.size()) - entry_.first_grid;
    std::stable_sort(grids_.begin() + entry_.first_grid, grids_.end(),
                     [](const auto& a, const auto& b) { return a.kind < b.kind; });
    systems_.push_back(entry_);
    return {};
  }

  const std::string* file_ = nullptr;
  std::size_t line_ = 0;
  std::map<std::string, Axis> axes_;
  packed::SystemEntry entry_{};
  std::size_t run_ = 0;
  std::size_t rows_left_ = 0;

  std::vector<packed::SystemEntry> systems_;
  std::vector<packed::GridEntry> grids_;
  std::vector<std::int32_t> axis_points_;
  std::vector<std::int16_t> values_;
};

}  // namespace

Result<std::string> pack_operators(const std::vector<SystemText>& texts) {
  Packer packer;
  for (const SystemText& text : texts)
    if (auto done = packer.add(text); !done) return fail(done.error());
  return packer.bytes();
}

Result<std::vector<SystemText>> read_operator_texts(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> paths;
  for (const auto& file : std::filesystem::directory_iterator(folder, error))
    if (file.path().extension() == ".txt") paths.push_back(file.path());
  if (error)
    return fail(ErrorCode::Unavailable,
                fmt::format("cannot read {}: {}", folder.string(), error.message()));
  std::ranges::sort(paths);
  std::vector<SystemText> out;
  for (const auto& path : paths) {
    auto text = read_file(path);
    if (!text) return fail(text.error());
    out.push_back({path.string(), std::move(*text)});
  }
  if (out.empty())
    return fail(ErrorCode::NotFound, folder.string() + " has no .txt of kernel times");
  return out;
}

}  // namespace kneepoint::perfmodel
