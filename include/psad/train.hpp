/// \file train.hpp
/// What a program that trains needs: the CPU, data sets, training, evaluation, model files. CMake: psad::cpu,
/// psad::data and psad::model_file.
#pragma once

#include "psad/backend/cpu/cpu.hpp"
#include "psad/data/encoding.hpp"
#include "psad/data/read_lists.hpp"
#include "psad/eval/bootstrap.hpp"
#include "psad/eval/ranking_quality.hpp"
#include "psad/model/baselines/attention_scorer.hpp"
#include "psad/model/baselines/dlcm.hpp"
#include "psad/model/psad_model.hpp"
#include "psad/model_file/save_model.hpp"
#include "psad/model_file/visit_model.hpp"
#include "psad/train/fit.hpp"
