/// \file psad.hpp
/// All of psad for the CPU, but for the readers of files of requests (data/request_files.hpp). A program that only
/// serves or only trains needs psad/serve.hpp or psad/train.hpp.
#pragma once

#include "psad/autograd/cost.hpp"
#include "psad/autograd/gradient_check.hpp"
#include "psad/data/write_lists.hpp"
#include "psad/eval/best_feature.hpp"
#include "psad/eval/bootstrap.hpp"
#include "psad/eval/counterfactual.hpp"
#include "psad/eval/dense_column.hpp"
#include "psad/eval/heuristics.hpp"
#include "psad/eval/history_bucket.hpp"
#include "psad/eval/latency.hpp"
#include "psad/model/decoding_cost.hpp"
#include "psad/serve.hpp"
#include "psad/simulator/simulate.hpp"
#include "psad/train.hpp"
