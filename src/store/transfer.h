#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

#include "base/result.h"
#include "store/store.h"

/// Profiles as JSON Lines, for exchange and for eyes. First a header,
/// {"format":"kneepoint.profiles","version":1}; then each profile in its canonical form
/// (profile/json.h) on a line. A line {"layer":{"name","rank","hash","origin"}} says to which layer
/// the profiles below it belong; above the first such line they are the user's own.
namespace kneepoint::store {

enum class Which { Own, All };

struct Moved {
  long long profiles = 0, points = 0;
};

/// Own profiles, or those of every layer, hidden ones too.
Result<Moved> export_lines(Store& store, Which which, std::ostream& to);

/// All lines or nothing; an error names the line. Profiles of "own" are added to the own profiles
/// there are (the same id is replaced). Which::All also replaces each other layer that the file
/// has; Which::Own passes their lines over.
Result<Moved> import_lines(Store& store, Which which, std::istream& from);

/// Replaces in `to` every layer that `from` has, all of them or none.
Result<void> copy_layers(Store& from, Store& to);

}  // namespace kneepoint::store
