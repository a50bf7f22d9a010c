#include <fmt/format.h>

#include <cmath>
#include <span>

#include "base/text.h"
#include "workload/length.h"

namespace kneepoint::workload {
namespace {

struct KindRow {
  LengthKind kind;
  std::string_view name;
  std::vector<std::string_view> arguments;  // what each means, for errors
  bool bounds;
};

const std::vector<KindRow>& kinds() {
  static const std::vector<KindRow> rows{
      {LengthKind::Uniform, "uniform", {"the least", "the most"}, false},
      {LengthKind::Normal, "normal", {"the mean", "the standard deviation"}, true},
      {LengthKind::Lognormal, "lognormal", {"the mean", "the standard deviation"}, true},
      {LengthKind::File, "file", {}, true},
      {LengthKind::SharegptInput, "sharegpt-input", {}, true},
      {LengthKind::SharegptOutput, "sharegpt-output", {}, true},
  };
  return rows;
}

const KindRow* find_kind(std::string_view name) {
  for (const KindRow& row : kinds()) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

/// The text being read. Errors carry the column, counted from 1, of the piece they are about, and a
/// text far too long is shown by its beginning.
class Source {
 public:
  explicit Source(std::string_view text) : text_(text) {}

  tl::unexpected<Error> wrong(std::string_view piece, const std::string& what) const {
    const auto column = static_cast<std::size_t>(piece.data() - text_.data()) + 1;
    const std::string shown(text_.substr(0, 80));
    return fail(ErrorCode::InvalidArgument,
                fmt::format("lengths '{}': column {}: {}", shown, column, what));
  }

  Result<std::int64_t> tokens(std::string_view piece, std::string_view meaning) const {
    const auto number = parse_integer(piece);
    if (!number || *number < 1 || *number > kMostTokens) {
      return wrong(piece, fmt::format("{} must be a whole number of tokens from 1 to {}, not '{}'",
                                      meaning, kMostTokens, piece.substr(0, 40)));
    }
    return *number;
  }

  Result<double> positive(std::string_view piece, std::string_view meaning, bool zero) const {
    const auto number = parse_number(piece);
    if (!number || *number < 0 || (*number == 0 && !zero) ||
        *number > static_cast<double>(kMostTokens)) {
      return wrong(
          piece, fmt::format("{} must be a number of tokens {} 0 and at most {}, not '{}'", meaning,
                             zero ? "of at least" : "above", kMostTokens, piece.substr(0, 40)));
    }
    return *number;
  }

 private:
  std::string_view text_;
};

/// Cut at commas; the pieces point into the text, empty ones included.
std::vector<std::string_view> pieces_of(std::string_view text) {
  std::vector<std::string_view> pieces;
  for (;;) {
    const auto comma = text.find(',');
    pieces.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return pieces;
    text.remove_prefix(comma + 1);
  }
}

bool is_bound(std::string_view piece) {
  return piece.starts_with("min=") || piece.starts_with("max=");
}

Result<void> read_bounds(const Source& source, std::span<const std::string_view> pieces,
                         LengthSpec& spec) {
  for (const std::string_view piece : pieces) {
    if (!is_bound(piece)) {
      return source.wrong(piece,
                          fmt::format("expected min= or max=, not '{}'", piece.substr(0, 40)));
    }
    auto& bound = piece.starts_with("min=") ? spec.min : spec.max;
    if (bound) return source.wrong(piece, fmt::format("{} is given twice", piece.substr(0, 3)));
    const auto value = source.tokens(piece.substr(4), piece.substr(0, 3));
    if (!value) return fail(value.error());
    bound = *value;
    if (spec.min && spec.max && *spec.min > *spec.max) {
      return source.wrong(piece, fmt::format("min={} is above max={}", *spec.min, *spec.max));
    }
  }
  return {};
}

// Everything up to the bounds at the end is the path, commas and colons included.
Result<LengthSpec> read_file_spec(const Source& source, std::string_view rest, LengthSpec spec) {
  std::vector<std::string_view> pieces = pieces_of(rest);
  std::size_t path_pieces = pieces.size();
  while (path_pieces > 1 && is_bound(pieces[path_pieces - 1])) --path_pieces;
  const std::string_view last = pieces[path_pieces - 1];
  spec.path = std::string(
      rest.substr(0, static_cast<std::size_t>(last.data() + last.size() - rest.data())));
  if (spec.path.empty()) return source.wrong(rest, "expected the path of a file");
  if (spec.path.find('\0') != std::string::npos) {
    return source.wrong(rest, "a path must not hold a NUL character");
  }
  const auto bounds = read_bounds(source, std::span(pieces).subspan(path_pieces), spec);
  if (!bounds) return fail(bounds.error());
  return spec;
}

Result<LengthSpec> read_arguments(const Source& source, const KindRow& kind, std::string_view rest,
                                  bool colon) {
  LengthSpec spec;
  spec.kind = kind.kind;
  if (kind.kind == LengthKind::File) {
    if (!colon) return source.wrong(rest, "expected ':' and the path of a file");
    return read_file_spec(source, rest, spec);
  }
  std::vector<std::string_view> pieces;
  if (colon) pieces = pieces_of(rest);
  for (std::size_t i = 0; i < kind.arguments.size(); ++i) {
    if (i >= pieces.size() || is_bound(pieces[i])) {
      const std::string_view at = i < pieces.size() ? pieces[i] : rest.substr(rest.size());
      return source.wrong(at, fmt::format("{} is missing: {}:{},{}", kind.arguments[i], kind.name,
                                          kind.kind == LengthKind::Uniform ? "64" : "200",
                                          kind.kind == LengthKind::Uniform ? "256" : "50"));
    }
    double& out = i == 0 ? spec.first : spec.second;
    if (kind.kind == LengthKind::Uniform) {
      const auto value = source.tokens(pieces[i], kind.arguments[i]);
      if (!value) return fail(value.error());
      out = static_cast<double>(*value);
    } else {
      const auto value = source.positive(pieces[i], kind.arguments[i], i == 1);
      if (!value) return fail(value.error());
      out = *value;
    }
  }
  if (kind.kind == LengthKind::Uniform && spec.first > spec.second) {
    return source.wrong(
        pieces[1], fmt::format("the most ({}) is below the least ({})", spec.second, spec.first));
  }
  if (kind.kind == LengthKind::Lognormal && spec.second > 1000 * spec.first) {
    return source.wrong(pieces[1], "the standard deviation is above 1000 times the mean");
  }
  const auto more = std::span<const std::string_view>(pieces).subspan(kind.arguments.size());
  if (!kind.bounds && !more.empty()) {
    return source.wrong(more.front(), fmt::format("{} takes nothing more", kind.name));
  }
  const auto bounds = read_bounds(source, more, spec);
  if (!bounds) return fail(bounds.error());
  return spec;
}

}  // namespace

Result<LengthSpec> parse_length(std::string_view text) {
  const Source source(text);
  const auto colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  if (const KindRow* kind = find_kind(name)) {
    const bool has_colon = colon != std::string_view::npos;
    return read_arguments(source, *kind,
                          has_colon ? text.substr(colon + 1) : text.substr(text.size()), has_colon);
  }
  const bool numeric =
      !text.empty() && ((text[0] >= '0' && text[0] <= '9') || text[0] == '-' || text[0] == '+');
  if (numeric) {
    const auto value = source.tokens(text, "a length");
    if (!value) return fail(value.error());
    LengthSpec spec;
    spec.first = static_cast<double>(*value);
    return spec;
  }
  std::vector<std::string> names;
  for (const KindRow& kind : kinds()) names.emplace_back(kind.name);
  return source.wrong(name, fmt::format("expected a number of tokens or one of {}, not '{}'",
                                        join(names, ", "), name.substr(0, 40)));
}

std::string to_text(const LengthSpec& spec) {
  if (spec.kind == LengthKind::Fixed) return shortest(spec.first);
  std::vector<std::string> parts;
  std::string name;
  for (const KindRow& kind : kinds()) {
    if (kind.kind != spec.kind) continue;
    name = kind.name;
    if (!kind.arguments.empty()) parts = {shortest(spec.first), shortest(spec.second)};
  }
  if (spec.kind == LengthKind::File) parts = {spec.path};
  if (spec.min) parts.push_back(fmt::format("min={}", *spec.min));
  if (spec.max) parts.push_back(fmt::format("max={}", *spec.max));
  return parts.empty() ? name : name + ":" + join(parts, ",");
}

}  // namespace kneepoint::workload
