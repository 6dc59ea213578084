// `create` and `create analysisrun`. spec/10 §3.10, §3.11.
#include <fmt/ostream.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <ostream>

#include "cli/command_line.hpp"
#include "cli/manifests.hpp"
#include "cli/objects.hpp"

namespace crossfade::cli {
namespace {

// The first object of a file, which must be all that its type has.
Result<Manifest> readStrictly(const std::string& file) {
  auto manifests = readManifests(file);
  if (!manifests) return fail(manifests.error());
  if (manifests->empty()) return fail(ErrorCode::invalid, fmt::format("{}: there is no object in the file", file));
  Manifest& manifest = manifests->front();
  if (const auto misfit = strictMisfit(manifest)) {
    return fail(ErrorCode::invalid,
                fmt::format("error unmarshaling JSON: while decoding JSON: json: {}\n{}: {}: {}", misfit->message,
                            manifest.place(misfit->path), misfit->path, misfit->message));
  }
  return std::move(manifest);
}

// --- create -f -------------------------------------------------------------------------------------------------------

struct Creatable {
  kube::ResourceKey resource;
  std::string singular;
};
const Creatable* creatable(std::string_view group, std::string_view kind) {
  using namespace kube::resources;
  static const std::vector<Creatable> known{{rollouts, "rollout"},
                                            {experiments, "experiment"},
                                            {analysis_templates, "analysistemplate"},
                                            {cluster_analysis_templates, "clusteranalysistemplate"},
                                            {analysis_runs, "analysisrun"}};
  const auto found = std::ranges::find(known, kind, [](const Creatable& one) { return one.resource.kind; });
  return group != "argoproj.io" || found == known.end() ? nullptr : &*found;
}

struct CreateFlags {
  std::vector<std::string> files;
  bool watch = false, no_colour = false;
};

Task<Result<>> create(Session& session, CreateFlags flags) {
  if (flags.watch && flags.files.size() > 1) co_return fail(ErrorCode::invalid, "Cannot watch multiple resources");
  for (const std::string& file : flags.files) {
    const auto manifest = readStrictly(file);
    if (!manifest) co_return fail(manifest.error());
    const json::object& object = manifest->object;
    const std::string_view group = manifest->group(), kind = manifest->kind();
    const Creatable* known = creatable(group, kind);
    if (known == nullptr) co_return fail(ErrorCode::invalid, fmt::format("creates of {}/{} unsupported", group, kind));
    const bool watchable = kind == "Rollout" || kind == "Experiment";
    if (flags.watch && !watchable) {
      co_return fail(ErrorCode::invalid, "Can only watch resources of type Rollout or Experiment");
    }
    std::string ns(getString(object, {"metadata", "namespace"}));
    if (ns.empty()) ns = session.ns;
    const auto created = co_await session.client.create(known->resource, ns, object);
    if (!created) co_return fail(created.error());
    const std::string name(getString(*created, {"metadata", "name"}));
    fmt::print(session.out, "{}.argoproj.io/{} created\n", known->singular, name);
    if (!flags.watch) continue;
    session.ns = ns;
    co_return co_await watchShown(session, known->resource, name, flags.no_colour);
  }
  co_return Result<>();
}

// --- create analysisrun ----------------------------------------------------------------------------------------------

struct RunFlags {
  std::string from, from_file, name, generate_name, instance_id;
  bool global = false;
  std::vector<std::string> arguments;
};

// Values win over what the template says of the same argument; a template without arguments takes them as they are.
Result<> giveArguments(json::object& spec, const std::vector<std::string>& given) {
  json::array arguments;
  for (const std::string& pair : given) {
    const std::size_t sign = pair.find('=');
    if (sign == std::string::npos) return fail(ErrorCode::invalid, "arguments must be in the form NAME=VALUE");
    arguments.push_back(json::object{{"name", pair.substr(0, sign)}, {"value", pair.substr(sign + 1)}});
  }
  const json::array* declared = getArray(spec, {"args"});
  if (declared == nullptr || declared->empty()) {
    if (!arguments.empty()) spec["args"] = std::move(arguments);
    return {};
  }
  json::array merged = *declared;
  for (json::value& item : merged) {
    json::object* argument = item.if_object();
    if (argument == nullptr) continue;
    const std::string name(getString(*argument, {"name"}));
    for (const json::value& other : arguments) {
      if (getString(other.get_object(), {"name"}) != name) continue;
      (*argument)["value"] = other.at("value");
      argument->erase("valueFrom");
    }
    const auto present = [&](const char* member) {
      const json::value* value = argument->if_contains(member);
      return value != nullptr && !value->is_null();
    };
    if (!present("value") && !present("valueFrom")) {
      return fail(ErrorCode::invalid, fmt::format("args.{} was not resolved", name));
    }
  }
  spec["args"] = std::move(merged);
  return {};
}

// The template as a run: what people wrote in its metadata stays, what the server keeps there doesn't.
json::object metadataOfRun(const json::object& from, const RunFlags& flags, std::string generate_name,
                           const std::string& ns) {
  json::object metadata;
  for (const char* kept : {"labels", "annotations", "finalizers"}) {
    if (const json::value* value = find(from, {"metadata", kept})) metadata[kept] = *value;
  }
  if (json::object* annotations =
          find(metadata, {"annotations"}) == nullptr ? nullptr : find(metadata, {"annotations"})->if_object()) {
    annotations->erase("kubectl.kubernetes.io/last-applied-configuration");
  }
  if (!flags.name.empty()) metadata["name"] = flags.name;
  if (!metadata.contains("name")) metadata["generateName"] = std::move(generate_name);
  metadata["namespace"] = ns;
  if (!flags.instance_id.empty()) {
    ensureObject(metadata, {"labels"})["argo-rollouts.argoproj.io/controller-instance-id"] = flags.instance_id;
  }
  return metadata;
}

Result<json::object> runFrom(const json::object& from, const RunFlags& flags, const std::string& ns) {
  const std::string template_name(getString(from, {"metadata", "name"}));
  std::string generate_name = flags.generate_name;
  if (generate_name.empty() && !template_name.empty()) generate_name = template_name + "-";
  if (flags.name.empty() && generate_name.empty()) return fail(ErrorCode::invalid, "name is invalid");

  const json::object* spec = getObject(from, {"spec"});
  json::object run_spec = spec == nullptr ? json::object() : *spec;
  if (const auto merged = giveArguments(run_spec, flags.arguments); !merged) return fail(merged.error());
  return json::object{{"apiVersion", kube::resources::analysis_runs.apiVersion()},
                      {"kind", kube::resources::analysis_runs.kind},
                      {"metadata", metadataOfRun(from, flags, std::move(generate_name), ns)},
                      {"spec", std::move(run_spec)}};
}

Task<Result<>> createRun(Session& session, RunFlags flags) {
  if (flags.from.empty() == flags.from_file.empty()) {
    co_return fail(ErrorCode::invalid, "one of --from or --from-file must be specified");
  }
  Result<json::object> object = fail(ErrorCode::internal, "");
  if (flags.from_file.empty()) {
    const kube::ResourceKey* resource = &kube::resources::analysis_templates;
    if (flags.global) resource = &kube::resources::cluster_analysis_templates;
    object = co_await session.client.get(*resource, session.ns, flags.from);
  } else if (auto manifest = readStrictly(flags.from_file)) {
    object = std::move(manifest->object);
  } else {
    object = fail(manifest.error());
  }
  if (!object) co_return fail(object.error());
  const auto run = runFrom(*object, flags, session.ns);
  if (!run) co_return fail(run.error());
  const auto created = co_await session.client.create(kube::resources::analysis_runs, session.ns, *run);
  if (!created) co_return fail(created.error());
  fmt::print(session.out, "analysisrun.argoproj.io/{} created\n", getString(*created, {"metadata", "name"}));
  co_return Result<>();
}

}  // namespace

void addCreateCommands(Commands& commands) {
  const auto flags = std::make_shared<CreateFlags>();
  CLI::App& app =
      commands.add({.name = "create",
                    .description = "Create a Rollout, Experiment, AnalysisTemplate, ClusterAnalysisTemplate or "
                                   "AnalysisRun",
                    .min_names = 0,
                    .max_names = 0,
                    .valid = [flags](const Names&) { return !flags->files.empty(); },
                    .action = [flags](Session& session, Names) { return create(session, *flags); }});
  app.add_option("-f,--filename", flags->files, "File with the object (repeatable)")->allow_extra_args(false);
  app.add_flag("-w,--watch", flags->watch, "Watch live updates to the resource after creating");
  app.add_flag("--no-color", flags->no_colour, "Do not colorize output");

  const auto run = std::make_shared<RunFlags>();
  CLI::App& run_app =
      commands.add({.name = "analysisrun",
                    .aliases = {"ar", "analysisruns"},
                    .description = "Create an AnalysisRun from an AnalysisTemplate or a ClusterAnalysisTemplate",
                    .min_names = 0,
                    .max_names = 0,
                    .action = [run](Session& session, Names) { return createRun(session, *run); }},
                   &app);
  run_app.add_option("--from", run->from, "Name of the template");
  run_app.add_option("--from-file", run->from_file, "File with the template");
  run_app.add_flag("--global", run->global, "The template is a ClusterAnalysisTemplate");
  run_app.add_option("-a,--argument", run->arguments, "NAME=VALUE (repeatable)")->allow_extra_args(false);
  run_app.add_option("--name", run->name, "Name of the AnalysisRun");
  run_app.add_option("--generate-name", run->generate_name, "Prefix of its generated name");
  run_app.add_option("--instance-id", run->instance_id, "Instance id of the controller that is to run it");
}

}  // namespace crossfade::cli
