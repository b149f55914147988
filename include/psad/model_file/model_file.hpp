/// \file model_file.hpp
/// Models as safetensors files, written and read.
#pragma once

#include "psad/model_file/load_model.hpp"  // IWYU pragma: export
#include "psad/model_file/save_model.hpp"  // IWYU pragma: export
