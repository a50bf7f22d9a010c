#include "cli/commands.h"

#include "cli/completion.h"

namespace kneepoint::cli {

Result<void> print_completion(Run& run) {
  const auto script = completion_script(run.args().positionals().front());
  if (!script) return fail(script.error());
  run.out(*script);
  return {};
}

Result<void> run_command(Run& run) {
  switch (run.args().command().id) {
    case CommandId::ModelsList:
      return list_models(run);
    case CommandId::ModelServersList:
      return list_model_servers(run);
    case CommandId::ModelServerVersionsList:
      return list_model_server_versions(run);
    case CommandId::ProfilesList:
    case CommandId::AcceleratorsList:
      return list_profiles(run);
    case CommandId::BenchmarksList:
      return list_benchmarks(run);
    case CommandId::ManifestsCreate:
      return create_manifest(run);
    case CommandId::ManifestsServe:
      return serve_manifests(run);
    case CommandId::ManifestsDiff:
      return diff_manifests(run);
    case CommandId::Deploy:
      return deploy(run);
    case CommandId::Undeploy:
      return undeploy(run);
    case CommandId::Status:
      return show_status(run);
    case CommandId::Doctor:
      return run_doctor(run);
    case CommandId::UseCasesList:
      return list_use_cases(run);
    case CommandId::ServingStacksList:
      return list_serving_stacks(run);
    case CommandId::ServingStackVersionsList:
      return list_serving_stack_versions(run);
    case CommandId::CombinationsList:
      return list_combinations(run);
    case CommandId::Recommend:
      return recommend_profiles(run);
    case CommandId::Explain:
      return explain(run);
    case CommandId::Predict:
      return predict(run);
    case CommandId::Calibrate:
      return calibrate(run);
    case CommandId::Simulate:
      return simulate(run);
    case CommandId::Search:
      return search(run);
    case CommandId::BenchmarksPlot:
      return plot_benchmarks(run);
    case CommandId::BenchRun:
      return run_bench(run);
    case CommandId::BenchSweep:
      return sweep_bench(run);
    case CommandId::BenchResume:
      return resume_bench(run);
    case CommandId::BenchLoad:
      return load_bench(run);
    case CommandId::BenchReport:
      return report_bench(run);
    case CommandId::BenchCompare:
      return compare_bench(run);
    case CommandId::PricesImport:
      return import_prices(run);
    case CommandId::ModelsAdd:
      return add_model(run);
    case CommandId::CatalogInfo:
      return catalog_info(run);
    case CommandId::CatalogCheck:
      return catalog_check(run);
    case CommandId::StoreInfo:
      return store_info(run);
    case CommandId::StoreExport:
      return store_export(run);
    case CommandId::StoreImport:
      return store_import(run);
    case CommandId::StoreBackup:
      return store_backup(run);
    case CommandId::Import:
      return import_reports(run);
    case CommandId::Emulate:
      return emulate(run);
    case CommandId::Serve:
      return serve(run);
    case CommandId::Mcp:
      return serve_mcp(run);
    case CommandId::Completion:
      return print_completion(run);
    case CommandId::Help:
    case CommandId::Version:
      break;  // the parser answers these two
  }
  return fail(ErrorCode::Internal, "a command without a handler");
}

}  // namespace kneepoint::cli
