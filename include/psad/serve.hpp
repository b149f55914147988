/// \file serve.hpp
/// What a server needs: the CPU, model files that are read, reranking. CMake: psad::cpu and psad::model_file. All of it
/// compiles without exceptions and run-time types, too: errors are values then. Requests as JSON come by
/// serve/request_json.hpp.
#pragma once

#include "psad/backend/cpu/bf16.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/model/baselines/attention_scorer.hpp"
#include "psad/model/baselines/dlcm.hpp"
#include "psad/model/psad_model.hpp"
#include "psad/model_file/visit_model.hpp"
#include "psad/serve/explain.hpp"
#include "psad/serve/live_model.hpp"
#include "psad/serve/reranker.hpp"
