#include "doctor/signatures.h"

#include <re2/filtered_re2.h>
#include <re2/re2.h>

#include <algorithm>

#include "base/text.h"

namespace kneepoint::doctor {
namespace {

/// Texts shorter than this are no sign of anything; the longer ones of a pattern foretell it.
constexpr int kShortestLiteral = 5;
constexpr int kMostCaptures = 6;

Signature::Role role_of(std::string_view word) {
  return word == "umbrella"      ? Signature::Role::Umbrella
         : word == "consequence" ? Signature::Role::Consequence
                                 : Signature::Role::Cause;
}

Severity severity_of(std::string_view word) {
  return word == "info" ? Severity::Info : word == "warning" ? Severity::Warning : Severity::Error;
}

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

std::vector<Signature> signatures(const catalog::Catalog& catalog) {
  std::vector<Signature> out;
  for (std::size_t layer = 0; layer < catalog.layers().size(); ++layer) {
    const catalog::Table* rows = catalog.raw(layer, "signatures");
    for (std::size_t row = 0; rows != nullptr && row < rows->rows(); ++row) {
      const auto cell = [&](std::string_view column) {
        return std::string(rows->text(row, column));
      };
      Signature one{.id = cell("id"),
                    .where = cell("where"),
                    .severity = severity_of(cell("severity")),
                    .role = role_of(cell("role")),
                    .pattern = cell("pattern"),
                    .sample = cell("sample"),
                    .cause = cell("cause"),
                    .fix = cell("fix"),
                    .command = cell("command"),
                    .instead_of = {},
                    .source = cell("source"),
                    .note = cell("note")};
      for (const std::string_view id : split(rows->text(row, "instead_of"), ' ')) {
        if (!id.empty()) one.instead_of.emplace_back(id);
      }
      const auto same = std::find_if(out.begin(), out.end(),
                                     [&](const Signature& other) { return other.id == one.id; });
      if (same == out.end()) {
        out.push_back(std::move(one));
      } else {
        *same = std::move(one);
      }
    }
  }
  return out;
}

struct SignatureSet::Patterns {
  re2::FilteredRE2 all{kShortestLiteral};
};

SignatureSet::SignatureSet() : patterns_(std::make_unique<Patterns>()) {}
SignatureSet::SignatureSet(SignatureSet&&) noexcept = default;
SignatureSet& SignatureSet::operator=(SignatureSet&&) noexcept = default;
SignatureSet::~SignatureSet() = default;

Result<SignatureSet> SignatureSet::compile(std::vector<Signature> signatures) {
  SignatureSet out;
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);  // a log may hold any bytes
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  for (const Signature& each : signatures) {
    int id = 0;
    const auto code = out.patterns_->all.Add(each.pattern, options, &id);
    if (code != RE2::NoError) {
      return fail(ErrorCode::InvalidArgument,
                  "signature " + each.id + ": its pattern is no regular expression of RE2");
    }
    if (out.patterns_->all.GetRE2(id).NumberOfCapturingGroups() > kMostCaptures) {
      return fail(ErrorCode::InvalidArgument, "signature " + each.id + ": at most " +
                                                  std::to_string(kMostCaptures) + " groups");
    }
  }
  std::vector<std::string> literals;
  out.patterns_->all.Compile(&literals);
  std::vector<int> always;
  if (!signatures.empty()) out.patterns_->all.AllPotentials({}, &always);
  if (!always.empty()) {
    return fail(ErrorCode::InvalidArgument,
                "signature " + signatures[static_cast<std::size_t>(always.front())].id +
                    ": every alternative of its pattern must hold a plain text of at least " +
                    std::to_string(kShortestLiteral) + " characters");
  }
  out.literals_ = std::make_unique<Literals>(literals);
  for (const Signature& each : signatures) {
    std::vector<std::size_t> hidden;
    for (const std::string& id : each.instead_of) {
      for (std::size_t i = 0; i < signatures.size(); ++i) {
        if (signatures[i].id == id) hidden.push_back(i);
      }
    }
    out.instead_of_.push_back(std::move(hidden));
  }
  out.signatures_ = std::move(signatures);
  return out;
}

void SignatureSet::match(std::string_view line, std::vector<Match>& out) const {
  out.clear();
  std::vector<int> texts, possible;
  literals_->find(line, texts);
  if (texts.empty()) return;
  patterns_->all.AllPotentials(texts, &possible);
  std::sort(possible.begin(), possible.end());
  re2::StringPiece groups[kMostCaptures + 1];
  for (const int id : possible) {
    const RE2& pattern = patterns_->all.GetRE2(id);
    const int count = pattern.NumberOfCapturingGroups() + 1;
    if (!pattern.Match(piece(line), 0, line.size(), RE2::UNANCHORED, groups, count)) continue;
    Match match{.signature = static_cast<std::size_t>(id),
                .begin = static_cast<std::size_t>(groups[0].data() - line.data()),
                .end = 0,
                .captures = {}};
    match.end = match.begin + groups[0].size();
    for (int i = 1; i < count; ++i) {
      match.captures.emplace_back(groups[i].data() == nullptr
                                      ? std::string()
                                      : std::string(groups[i].data(), groups[i].size()));
    }
    out.push_back(std::move(match));
  }
  if (out.size() < 2) return;
  std::vector<std::size_t> hidden;
  for (const Match& each : out) {
    const auto& ids = instead_of_[each.signature];
    hidden.insert(hidden.end(), ids.begin(), ids.end());
  }
  std::erase_if(out, [&](const Match& each) {
    return std::find(hidden.begin(), hidden.end(), each.signature) != hidden.end();
  });
}

}  // namespace kneepoint::doctor
