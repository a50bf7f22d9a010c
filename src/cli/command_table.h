#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Every command and flag of the program, declared once. Parsing, --help, the man pages, shell
/// completion and docs/cli.md all come from this table, so they cannot disagree. It is constant
/// data: nothing is built before main.
namespace kneepoint::cli {

enum class FlagType : std::uint8_t {
  Text,     // any words
  Integer,  // a whole number
  Number,   // a decimal number
  Choice,   // one of `choices`
  Format,   // one of `choices`, or one with a list of fields: "table(model,cost)"
  Path,     // a file or folder
  List,     // words separated by commas; may be given again, which adds to them
  Switch,   // takes no value, or one of `choices`; --no-NAME takes it back
};

/// Why a flag is there: what it shapes. Help lists flags in this order.
enum class FlagGroup : std::uint8_t { Query, Target, Price, Output, Global, Ignored };

struct Flag {
  std::string_view name;  // "--model"
  FlagType type = FlagType::Text;
  std::string_view value = {};  // what stands for the value in help: "MODEL"
  std::string_view unit = {};   // "milliseconds"; checked values carry none
  FlagGroup group = FlagGroup::Query;
  std::string_view sentence = {};  // what it does; of an ignored flag, why it does nothing
  std::string_view fallback = {};  // the default, as text; empty: none
  std::span<const std::string_view> choices = {};
  double min = 0;  // of Integer and Number
  double max = std::numeric_limits<double>::max();
  bool above_min = false;       // min itself is refused
  std::string_view alias = {};  // another name for it, kept for old scripts
  bool required = false;
  bool repeatable = false;  // a Path or Text given again adds to the list
  bool hidden = false;
};

enum class CommandId : std::uint8_t {
  ModelsList,
  ModelServersList,
  ModelServerVersionsList,
  ProfilesList,
  BenchmarksList,
  ManifestsCreate,
  ManifestsDiff,
  ManifestsServe,
  Deploy,
  Undeploy,
  Status,
  Doctor,
  UseCasesList,
  ServingStacksList,
  ServingStackVersionsList,
  AcceleratorsList,
  CombinationsList,
  Recommend,
  Explain,
  Predict,
  Calibrate,
  Simulate,
  Search,
  BenchmarksPlot,
  BenchRun,
  BenchSweep,
  BenchResume,
  BenchLoad,
  BenchReport,
  BenchCompare,
  PricesImport,
  ModelsAdd,
  CatalogInfo,
  CatalogCheck,
  StoreInfo,
  StoreExport,
  StoreImport,
  StoreBackup,
  Import,
  Emulate,
  Serve,
  Mcp,
  Completion,
  Help,
  Version,
};

/// A word of a command line that is not a flag.
struct Positional {
  std::string_view name;  // "FILE"
  std::string_view sentence;
  bool required = true;
  bool many = false;  // takes all that follow
  std::span<const std::string_view> choices = {};
  bool is_path = false;
};

struct Command {
  CommandId id;
  std::string_view path;                      // "profiles list": also the name of its man page
  std::span<const std::string_view> aliases;  // "container ai profiles list", ...
  std::string_view summary;                   // one line
  std::string_view description;
  std::string_view example;     // a whole command line without "kneepoint "
  std::span<const Flag> flags;  // its own; the global ones come on top
  std::span<const Positional> positionals = {};
};

std::span<const Command> commands();
/// Flags every command takes: --catalog, --store, --help, and the ones of gcloud without a meaning
/// here.
std::span<const Flag> global_flags();

const Command& command(CommandId id);
/// By its path or any alias, words separated by one blank.
const Command* find_command(std::string_view path);
/// By "--name" or its alias, among the command's own flags and the global ones.
const Flag* find_flag(const Command& command, std::string_view name);

/// Paths and aliases of every command.
std::vector<std::string_view> all_paths();
/// True when some path starts with these words: "container ai profiles".
bool is_group(std::string_view words);
/// What a group is for, in one line; empty when nobody wrote one.
std::string_view group_summary(std::string_view words);

std::string_view name(FlagType type);
std::string_view name(FlagGroup group);

}  // namespace kneepoint::cli
