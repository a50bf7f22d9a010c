#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "doctor/finding.h"
#include "doctor/literals.h"

namespace kneepoint::doctor {

/// One known problem and how it shows in a line of text: a row of signatures.csv.
struct Signature {
  std::string id{}, where{};  // where: log, event, status, hpa, apply, cli
  Severity severity = Severity::Error;
  enum class Role {
    Cause,        // names what is wrong
    Consequence,  // follows from something else; told after causes
    Umbrella,     // wraps a reason that another line gives; told only when nothing else was found
  } role = Role::Cause;
  std::string pattern{}, sample{};
  std::string cause{}, fix{}, command{};  // with the pattern's groups in braces: advice.h
  std::vector<std::string> instead_of{};  // ids that are not told of a line that shows this one
  std::string source{}, note{};
};

/// Of all layers of the catalog; a row of a higher layer takes the place of the row with its id.
std::vector<Signature> signatures(const catalog::Catalog& catalog);

/// All signatures, made ready to be looked for. Read-only once made; shared by threads.
///
/// Each pattern is reduced to texts of which a matching line must hold some (RE2's own analysis).
/// A scan looks for those alone, all at a time; only a line that holds some is given to patterns.
class SignatureSet {
 public:
  /// InvalidArgument names the pattern that is no regular expression, or that no text foretells
  /// (every line would have to be matched).
  static Result<SignatureSet> compile(std::vector<Signature> signatures);
  SignatureSet(SignatureSet&&) noexcept;
  SignatureSet& operator=(SignatureSet&&) noexcept;
  ~SignatureSet();

  const std::vector<Signature>& signatures() const { return signatures_; }
  const Literals& literals() const { return *literals_; }

  struct Match {
    std::size_t signature = 0;          // index
    std::size_t begin = 0, end = 0;     // of the match in the line
    std::vector<std::string> captures;  // of groups 1.. ; empty when a group took no part
  };
  /// What `line` shows, in the order of the table.
  void match(std::string_view line, std::vector<Match>& out) const;

 private:
  SignatureSet();
  struct Patterns;  // RE2's types stay out of the header
  std::vector<Signature> signatures_;
  std::vector<std::vector<std::size_t>> instead_of_;
  std::unique_ptr<Patterns> patterns_;
  std::unique_ptr<Literals> literals_;
};

}  // namespace kneepoint::doctor
