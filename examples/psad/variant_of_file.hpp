// Which variant a model file was made of.
#pragma once

#include <string>

#include "psad/core/error.hpp"
#include "psad/io/model_file.hpp"
#include "variants.hpp"

namespace psad::cli {

/// Calls f for the variant that a model file was made of.
template <class F>
void visit_variant_of(const io::TensorFile& file, F f) {
    const std::string name = io::variant_name(file);
    if (!Variants::has(name))
        throw ModelFileError(file.source, "metadata psad.name", name, "one of " + Variants::names());
    Variants::visit(name, f);
}

}  // namespace psad::cli
