/// \file psad.hpp
/// All of psad for the CPU.
#pragma once

#include "psad/autograd/cost.hpp"
#include "psad/autograd/gradient_check.hpp"
#include "psad/backend/cpu/cpu.hpp"
#include "psad/core/config.hpp"
#include "psad/data/encoding.hpp"
#include "psad/data/read_lists.hpp"
#include "psad/data/write_lists.hpp"
#include "psad/eval/bootstrap.hpp"
#include "psad/eval/history_bucket.hpp"
#include "psad/eval/ranking_quality.hpp"
#include "psad/io/model_file.hpp"
#include "psad/model/baselines/attention_scorer.hpp"
#include "psad/model/baselines/dlcm.hpp"
#include "psad/model/decoding_cost.hpp"
#include "psad/model/psad_model.hpp"
#include "psad/model/variant_set.hpp"
#include "psad/serve/bf16.hpp"
#include "psad/serve/reranker.hpp"
#include "psad/train/fit.hpp"
#include "psad/world/simulate.hpp"
