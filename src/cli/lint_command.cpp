// `lint`: spec/10 §3.12. Bodies on stdout; on stderr the first error, then every finding with its place.
#include <fmt/ostream.h>

#include <CLI/App.hpp>
#include <ostream>

#include "cli/command_line.hpp"
#include "cli/lint.hpp"

namespace crossfade::cli {

namespace {

std::string line(const Finding& finding) {
  return fmt::format("{}: {}{}: {}", finding.place, finding.warning ? "warning: " : "", finding.path, finding.body);
}

Result<> lintFiles(const std::vector<std::string>& files, std::ostream& out, std::ostream& err) {
  std::vector<Manifest> manifests;
  for (const std::string& file : files) {
    auto read = readManifests(file);
    if (!read) return fail(read.error());
    std::ranges::move(*read, std::back_inserter(manifests));
  }
  for (const Manifest& manifest : manifests) {
    if (const auto misfit = strictMisfit(manifest)) {
      return fail(ErrorCode::invalid,
                  fmt::format("error unmarshaling JSON: while decoding JSON: json: {}\n{}: {}: {}", misfit->message,
                              manifest.place(misfit->path), misfit->path, misfit->message));
    }
  }
  std::string first, places;
  for (const Finding& finding : lint(manifests)) {
    if (finding.warning) {
      fmt::print(err, "{}\n", line(finding));
      continue;
    }
    fmt::print(out, "{}\n", finding.body);
    if (first.empty()) first = fmt::format("{}: {}", finding.path, finding.body);
    places += "\n" + line(finding);
  }
  if (first.empty()) return {};
  return fail(ErrorCode::invalid, first + places);
}

}  // namespace

void addLintCommand(Commands& commands) {
  const auto files = std::make_shared<std::vector<std::string>>();
  CLI::App& app = commands.add(
      {.name = "lint",
       .description = "Lint rollouts and analysis templates",
       .min_names = 0,
       .max_names = 0,
       .valid = [files](const Names&) { return !files->empty(); },
       .offline = [files](std::ostream& out, std::ostream& err, const Names&) { return lintFiles(*files, out, err); }});
  app.add_option("-f,--filename", *files, "File to lint (repeatable: they may refer to one another)")
      ->allow_extra_args(false);
}

}  // namespace crossfade::cli
