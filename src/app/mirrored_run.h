#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "app/campaign.h"
#include "run/directory.h"

/// A run that is measured in one place and kept in two: on the volume of a pod, and in a folder
/// here. Its log travels as it is, record by record; each side makes up for what the other lost.
namespace kneepoint::app {

/// Where a run is measured, kept in its header.
struct ClusterPlace {
  std::string namespace_name, name;  // of the Job
  std::string run;                   // part of its profile's identity
};

/// The ask with its place: the header on both sides.
json::Value mirrored_header(const CampaignAsk& ask, const ClusterPlace& place);
/// Nothing of a run that was measured from here.
std::optional<ClusterPlace> place_of(const json::Value& header);

/// The log of a run as gzip, to be taken along. Where it would have more than `most` bytes the
/// header alone.
Result<std::string> seed_of(const std::vector<run::Record>& records, std::size_t most);
/// Header first.
Result<std::vector<run::Record>> read_seed(std::string_view bytes);

/// The directory that goes on from these records, header first: made when it is not there, and what
/// it lacks added. Conflict: it holds another run, or other figures.
Result<run::Directory> open_mirror(const std::filesystem::path& folder,
                                   const std::vector<run::Record>& records);

/// Takes a record of the other side. False: records before it are missing. Conflict: it is not the
/// one that is there.
Result<bool> take_record(run::Directory& directory, const run::Record& record);

// What a pod prints for those who follow its log: records as they stand in run.log, and these.

inline constexpr std::string_view kProgressWord = "kneepoint-progress ";  // a line for people
inline constexpr std::string_view kEndWord = "kneepoint-end ";            // end_json, at the end

/// One record, a line as in run.log.
Result<std::string> record_line(const run::Record& record);
/// All there are, the header too.
std::vector<run::Record> all_records(const run::Directory& directory);

json::Value end_json(const CampaignResult& result, std::size_t records);
struct MirroredEnd {
  CampaignResult result;    // without points
  std::size_t records = 0;  // that there are, with the header
};
Result<MirroredEnd> end_from_json(std::string_view text);

}  // namespace kneepoint::app
