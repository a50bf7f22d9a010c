#include <re2/re2.h>

#include <array>
#include <memory>

#include "doctor/finding.h"

namespace kneepoint::doctor {
namespace {

struct Secret {
  RE2 pattern;
  const char* shown;  // \1 is what may stay
};

/// The first ones are secrets wherever they stand; the last ones by the words in front of them.
constexpr std::size_t kCertain = 7;
constexpr std::size_t kAll = 9;

/// Made on first use: most runs find nothing to mask.
const std::array<Secret, kAll>& secrets() {
  static const auto* all = [] {
    RE2::Options options;
    options.set_encoding(RE2::Options::EncodingLatin1);
    options.set_log_errors(false);
    const auto secret = [&](const char* pattern, const char* shown) {
      return Secret{RE2(pattern, options), shown};
    };
    return new std::array<Secret, kAll>{
        secret(R"(\b(hf_|hf_oauth_)[A-Za-z0-9]{16,})", R"(\1***)"),
        secret(R"(\b(gh[pousr]_|github_pat_|sk-|xox[abpr]-|nvapi-|glpat-)[A-Za-z0-9_\-]{20,})",
               R"(\1***)"),
        secret(R"(\b(AKIA|ASIA)[0-9A-Z]{12,})", R"(\1***)"),
        secret(R"(\b(AIza|ya29\.)[A-Za-z0-9_\-.]{10,})", R"(\1***)"),
        secret(R"(\b(eyJ)[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]*)?)", R"(\1***)"),
        secret(R"(([a-z][a-z0-9+.\-]*://[^\s/:@]*:)[^\s/@]+(@))", R"(\1***\2)"),
        secret(R"((-----BEGIN [A-Z ]*PRIVATE KEY-----).*)", R"(\1***)"),
        secret(R"(((?i:bearer)\s+|Basic\s+)[A-Za-z0-9._~+/=\-]{12,})", R"(\1***)"),
        // A number is no secret: max_tokens=131072.
        secret(
            R"((?i)((?:secret|token|passwd|password|api[_-]?key|access[_-]?key|credential)s?(?:[_\-][a-z_\-]*)?\\?["']?\s*[=:]\s*\\?["']?)[0-9]*[^\s"'\\,;&}0-9][^\s"'\\,;&}]{5,})",
            R"(\1***)"),
    };
  }();
  return *all;
}

}  // namespace

std::string mask_secrets(std::string_view text) {
  std::string out(text);
  for (const Secret& each : secrets()) RE2::GlobalReplace(&out, each.pattern, each.shown);
  return out;
}

bool holds_secret(std::string_view text) {
  const re2::StringPiece piece(text.data(), text.size());
  for (std::size_t i = 0; i < kCertain; ++i) {
    if (RE2::PartialMatch(piece, secrets()[i].pattern)) return true;
  }
  return false;
}

}  // namespace kneepoint::doctor
