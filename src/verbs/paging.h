#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "verbs/canonical.h"
#include "verbs/verb.h"

/// Lists in pages. Most clients never ask for a second one, so a list without a page size is whole
/// up to kLargestAnswer, and only then goes on behind a token.
namespace kneepoint::verbs {

/// Bytes of JSON. The default limit of gRPC clients, whose messages are the smaller form.
inline constexpr std::size_t kLargestAnswer = std::size_t{4} << 20;
inline constexpr std::int64_t kLargestPage = 10'000;

/// The bytes of json::to_line(value), without writing them; escapes count as one.
std::size_t size_of(const json::Value& value);

class Page {
 public:
  /// Reads pageSize (0 or none: as much as there is room for) and pageToken. A token belongs to one
  /// ask, page size aside, and one state of the store: any other is an InvalidArgument.
  static Result<Page> of(Call& call, Reader& read);

  /// Where the list goes on.
  std::size_t from() const { return from_; }
  /// Whether one more of this size belongs to the page; call it item by item.
  bool takes(std::size_t bytes);
  /// After an item `takes` refused: what the next page is asked with.
  std::string next_token() const;
  /// The page ended because the answer was full, not because of the size asked for.
  bool was_full() const { return full_; }

 private:
  std::uint64_t of_ = 0;  // ask and state
  std::size_t from_ = 0, taken_ = 0, most_ = 0;
  std::size_t bytes_ = 1024;  // of what stands around the list
  bool full_ = false;
};

/// A list of names as the answer's member `key`, with nextPageToken where it goes on.
json::Value page_of_names(Page page, std::string_view key, const std::vector<std::string>& names);

}  // namespace kneepoint::verbs
