#include "verbs/prices.h"

#include <algorithm>
#include <array>

#include "app/own_rows.h"
#include "base/text.h"
#include "catalog/csv.h"
#include "catalog/schema.h"
#include "verbs/handlers.h"
#include "verbs/pieces.h"
#include "verbs/question.h"

namespace kneepoint::verbs {
namespace {

using catalog::Covers;
using catalog::PricingModel;
using json::Array;
using json::Object;

constexpr std::array kModels{PricingModel::OnDemand, PricingModel::Spot, PricingModel::OneYear,
                             PricingModel::ThreeYears};
constexpr std::array<std::string_view, 5> kCovers{
    "machine", "accelerator_with_host", "accelerator_only", "host_only", "accelerators_of_machine"};
constexpr double kMostUsd = 1e6;

std::string_view name(Covers covers) { return kCovers[static_cast<std::size_t>(covers)]; }

std::string text(const std::optional<double>& value) { return value ? shortest(*value) : ""; }

/// The cell of a row for a column of the table.
std::string cell(const catalog::Price& p, std::string_view column) {
  if (column == "provider") return p.provider;
  if (column == "region") return p.region;
  if (column == "item") return p.item;
  if (column == "unit") return p.unit;
  if (column == "covers") return std::string(name(p.covers));
  if (column == "on_demand") return text(p.on_demand);
  if (column == "spot") return text(p.spot);
  if (column == "cud_1y") return text(p.one_year);
  if (column == "cud_3y") return text(p.three_years);
  if (column == "source") return p.from.source;
  if (column == "as_of") return p.from.as_of;
  if (column == "confidence") return p.from.confidence;
  if (column == "note") return p.from.note;
  return {};
}

std::string csv_of(const std::vector<const catalog::Price*>& rows) {
  const catalog::TableSchema& schema = *catalog::schema("prices");
  std::vector<std::string> line;
  for (const auto& column : schema.columns) line.emplace_back(column.name);
  std::string out = catalog::csv_line(line);
  for (const catalog::Price* row : rows) {
    line.clear();
    for (const auto& column : schema.columns) line.push_back(cell(*row, column.name));
    out += catalog::csv_line(line);
  }
  return out;
}

bool own(const catalog::Price& price) { return price.from.layer_rank > 0; }

/// One row of an ask.
catalog::Price read_price(Ask& ask) {
  catalog::Price out;
  out.provider = ask.required("provider", 100);
  out.region = ask.text("region", 100);
  if (out.region.empty()) out.region = "any";
  out.item = ask.required("item", 200);
  out.covers = static_cast<Covers>(
      std::find(kCovers.begin(), kCovers.end(), ask.word("covers", kCovers)) - kCovers.begin());
  out.unit = ask.text("unit", 20);
  if (out.unit.empty()) out.unit = out.covers == Covers::Machine ? "vm_hour" : "gpu_hour";
  Ask usd = ask.object("usdPerHour");
  out.on_demand = usd.positive("on-demand", kMostUsd);
  out.spot = usd.positive("spot", kMostUsd);
  out.one_year = usd.positive("1-year-cud", kMostUsd);
  out.three_years = usd.positive("3-years-cud", kMostUsd);
  if (!out.on_demand && !out.spot && !out.one_year && !out.three_years) {
    ask.wrong("usdPerHour", "give a price of at least one pricing model, above 0");
  }
  out.from.as_of = ask.text("asOf", 10);
  out.from.note = ask.text("note", 500);
  out.from.source = ask.text("source", 200);
  return out;
}

}  // namespace

Object price_json(const catalog::Price& price) {
  Object usd;
  for (const PricingModel model : kModels) {
    if (const auto value = price.at(model)) usd.emplace(catalog::name(model), *value);
  }
  Object out{{"provider", price.provider},
             {"region", price.region},
             {"item", price.item},
             {"covers", name(price.covers)},
             {"usdPerHour", std::move(usd)}};
  put(out, "unit", price.unit);
  put(out, "source", price.from.source);
  put(out, "asOf", price.from.as_of);
  put(out, "confidence", price.from.confidence);
  put(out, "note", price.from.note);
  put(out, "layer", price.from.layer);
  out.emplace("own", own(price));
  return out;
}

Result<json::Value> list_prices(Call& call) {
  Ask ask(call.ask);
  const std::string provider = ask.text("provider"), region = ask.text("region"),
                    item = ask.text("item");
  const bool only_own = ask.flag("own");
  if (auto done = ask.done(); !done) return fail(done.error());
  Array prices;
  for (const catalog::Price& price : call.session.catalog().prices()) {
    if (!provider.empty() && price.provider != provider) continue;
    if (!region.empty() && price.region != region) continue;
    if (!item.empty() && price.item.find(item) == std::string::npos) continue;
    if (only_own && !own(price)) continue;
    prices.push_back(price_json(price));
  }
  const std::size_t total = prices.size();
  return Object{{"prices", std::move(prices)}, {"totalSize", total}};
}

Result<json::Value> set_prices(Call& call) {
  Ask ask(call.ask);
  std::string csv = ask.text("csv", std::size_t{4} << 20);
  std::vector<catalog::Price> rows;
  for (Ask& one : ask.objects("prices", 10000)) rows.push_back(read_price(one));
  if (csv.empty() == rows.empty()) ask.wrong("prices", "give either prices or csv");
  if (auto done = ask.done(); !done) return fail(done.error());
  if (csv.empty()) {
    std::vector<const catalog::Price*> pointers;
    for (const catalog::Price& row : rows) pointers.push_back(&row);
    csv = csv_of(pointers);
  }
  const auto added = app::import_prices_text(call.session.settings(), csv, "prices");
  if (!added) return fail(added.error());
  return Object{{"added", added->added}, {"replaced", added->replaced}};
}

Result<json::Value> export_prices(Call& call) {
  Ask ask(call.ask);
  const bool only_own = ask.flag("own");
  if (auto done = ask.done(); !done) return fail(done.error());
  std::vector<const catalog::Price*> rows;
  for (const catalog::Price& price : call.session.catalog().prices()) {
    if (!only_own || own(price)) rows.push_back(&price);
  }
  return Object{{"body", csv_of(rows)}};
}

}  // namespace kneepoint::verbs
