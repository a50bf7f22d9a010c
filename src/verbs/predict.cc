#include "app/predict.h"

#include "app/predictor.h"
#include "verbs/handlers.h"
#include "verbs/pieces.h"
#include "verbs/question.h"

namespace kneepoint::verbs {

Result<json::Value> predict_curve(Call& call) {
  Ask ask(call.ask);
  const app::SetupWords words = read_setup(ask);
  const auto clients = ask.numbers("concurrency", 1, 1e6);
  const auto rates = ask.numbers("requestsPerSecond", 1e-6, 1e6);
  if (!clients.empty() && !rates.empty()) {
    ask.wrong("requestsPerSecond", "give either concurrency or requestsPerSecond");
  }
  const recommend::Request request = read_request(ask, call.session);
  if (auto done = ask.done(); !done) return fail(done.error());
  const catalog::Catalog& catalog = call.session.catalog();
  auto question = app::question_of(catalog, words);
  if (!question) return fail(std::move(question).error());
  app::PredictAsk wanted{std::move(*question), rates.empty() ? clients : rates};
  if (!rates.empty()) wanted.question.load_kind = curve::LoadKind::RequestRate;
  if (call.progress && !call.progress({{"done", 0}, {"all", 1}, {"what", "curves"}})) {
    return fail(ErrorCode::Conflict, "cancelled");
  }
  const auto predictor = app::open_predictor(call.session);
  if (!predictor) return fail(predictor.error());
  const auto curve = app::predict_curve(**predictor, wanted);
  if (!curve) return fail(curve.error());

  json::Object profile = whole_profile(catalog, curve->profile, request);
  json::Array& points = profile.at("points").as_array();
  for (std::size_t i = 0; i < points.size() && i < curve->predictions.size(); ++i) {
    const predict::Prediction& one = curve->predictions[i];
    points[i].as_object().emplace(
        "prediction",
        json::Object{{"saturated", one.saturated},
                     {"distance", one.distance == predict::Distance::Near ? "near" : "far"},
                     {"nearest", one.nearest},
                     {"anchors", one.anchors},
                     {"extrapolated", texts(one.extrapolated)}});
  }
  return json::Object{
      {"profile", std::move(profile)}, {"provenance", curve->provenance}, {"whole", curve->whole}};
}

}  // namespace kneepoint::verbs
