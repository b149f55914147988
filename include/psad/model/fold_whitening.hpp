/// \file fold_whitening.hpp
/// From the model that was trained to the one that is saved and served.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "psad/model/model.hpp"

namespace psad::inline PSAD_ABI {

namespace fold_detail {

/// The rows of a weight on the columns of CandidateEncoder, less those of whitened ones: x W + (x M) V = x (W + M V).
inline void fold(const std::vector<float>& matrix, std::size_t columns, const ParameterInfo& from, const float* weight,
                 const ParameterInfo& to, float* out) {
    const auto width = static_cast<std::size_t>(from.cols), f = static_cast<std::size_t>(from.rows - to.rows);
    const std::size_t kept = (columns - f) * width;
    std::copy_n(weight, kept, out);
    std::copy(weight + columns * width, weight + from.size(), out + kept);  // deviations within the list
    const float* const of_whitened = weight + kept;
    for (std::size_t k = 0; k < f; ++k) {
        for (std::size_t o = 0; o < width; ++o) {
            double sum = 0;
            for (std::size_t c = 0; c < f; ++c)
                sum += static_cast<double>(matrix[k * f + c]) * static_cast<double>(of_whitened[c * width + o]);
            out[k * width + o] += static_cast<float>(sum);
        }
    }
}

}  // namespace fold_detail

/// Takes the whitened columns out of a model, which gives the same scores without them but for rounding. Nothing where
/// it has none. Throws SettingError as check_sizes does.
template <class Network>
void fold_whitening(Model<Network>& model) {
    const CandidateEncoder& candidates = model.encoder.candidates();
    check_sizes(model);
    if (candidates.whitened() == 0) return;
    Encoder plain = model.encoder;
    plain.set_whitening({});
    Model<Network> out(std::move(plain));
    for (std::size_t p = 0; p < out.registry.parameters.size(); ++p) {  // the same ones, in the same order
        const ParameterInfo &from = model.registry.parameters[p], &to = out.registry.parameters[p];
        if (from.rows == to.rows)
            std::copy_n(model.parameters.at(from), from.size(), out.parameters.at(to));
        else
            fold_detail::fold(candidates.whitening(), candidates.columns(), from, model.parameters.at(from), to,
                              out.parameters.at(to));
    }
    model = std::move(out);
}

}  // namespace psad
