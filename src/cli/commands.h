#pragma once

#include "cli/run.h"

/// One function per command: read the flags, call one verb, print. A failure comes back as the
/// Error whose exit status ends the program.
namespace kneepoint::cli {

Result<void> run_command(Run& run);

Result<void> list_profiles(Run& run);  // profiles list, accelerators list
Result<void> recommend_profiles(Run& run);
Result<void> predict(Run& run);
Result<void> calibrate(Run& run);
Result<void> simulate(Run& run);
Result<void> search(Run& run);
Result<void> list_benchmarks(Run& run);
Result<void> plot_benchmarks(Run& run);
Result<void> explain(Run& run);
Result<void> run_bench(Run& run);  // bench run
Result<void> sweep_bench(Run& run);
Result<void> resume_bench(Run& run);
Result<void> load_bench(Run& run);     // bench load
Result<void> report_bench(Run& run);   // bench report
Result<void> compare_bench(Run& run);  // bench compare
Result<void> create_manifest(Run& run);
Result<void> diff_manifests(Run& run);
Result<void> deploy(Run& run);
Result<void> undeploy(Run& run);
Result<void> show_status(Run& run);
Result<void> run_doctor(Run& run);

Result<void> list_models(Run& run);
Result<void> list_model_servers(Run& run);
Result<void> list_model_server_versions(Run& run);
Result<void> list_combinations(Run& run);
Result<void> list_use_cases(Run& run);
Result<void> list_serving_stacks(Run& run);
Result<void> list_serving_stack_versions(Run& run);

Result<void> import_prices(Run& run);
Result<void> add_model(Run& run);
Result<void> catalog_info(Run& run);
Result<void> catalog_check(Run& run);

Result<void> store_info(Run& run);
Result<void> store_export(Run& run);
Result<void> store_import(Run& run);
Result<void> store_backup(Run& run);

Result<void> import_reports(Run& run);
Result<void> emulate(Run& run);
Result<void> serve(Run& run);
Result<void> serve_manifests(Run& run);
Result<void> serve_mcp(Run& run);

Result<void> print_completion(Run& run);

}  // namespace kneepoint::cli
