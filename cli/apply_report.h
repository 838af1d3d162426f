#pragma once
// Reading the manifests that apply and diff are given, and saying what is wrong with them.

#include <optional>

#include "cli/manifest.h"
#include "cli/session.h"

namespace cdb::cli {

// Nothing where a manifest has mistakes: they were reported.
std::optional<Manifest> read_manifest(Session& session, const std::vector<std::string>& files);
// What the coordinator found wrong, where it was written. False where it named no fields.
bool report_fields(World& world, const Manifest& manifest, const Error& error);

}  // namespace cdb::cli
