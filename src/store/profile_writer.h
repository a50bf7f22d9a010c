#pragma once

#include <memory>
#include <string>
#include <unordered_set>

#include "base/result.h"
#include "profile/profile.h"
#include "store/sql_session.h"

namespace kneepoint::store {

/// Fills one layer inside a write transaction: a row for each profile, one for each of its points.
class ProfileWriter {
 public:
  static Result<ProfileWriter> start(SqlSession& session, int layer_key);

  /// An id that this writer has seen before is refused.
  Result<void> add(const profile::Profile& profile);
  Result<void> finish();

 private:
  ProfileWriter(int layer_key, std::int64_t last_key, std::unique_ptr<SqlBulk> profiles,
                std::unique_ptr<SqlBulk> points);
  Result<void> add_points(const profile::Profile& profile);

  int layer_key_;
  std::int64_t last_key_;
  std::unique_ptr<SqlBulk> profiles_, points_;
  std::unordered_set<std::string> ids_;
};

}  // namespace kneepoint::store
