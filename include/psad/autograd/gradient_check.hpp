/// \file gradient_check.hpp
/// Compares derivative rules with central differences of fourth order. For tests of layers, yours included.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>

#include "psad/autograd/parameters.hpp"
#include "psad/autograd/tape.hpp"

namespace psad::inline PSAD_ABI {

/// The parameter whose two derivatives differ most.
struct GradientCheck {
    double worst = 0;  ///< |tape - difference| / max(|tape| + |difference|, 1e-3)
    std::string parameter;
    std::size_t index = 0;
    double by_tape = 0, by_difference = 0;
};

/// Adds table gradients to a dense image of the table block.
template <class T>
void add_sparse(const SparseGradient<T>* record, T* tables) {
    for (; record != nullptr; record = record->next) {
        for (int r = 0; r < record->rows; ++r) {
            const int first = record->offsets ? record->offsets[r] : r,
                      last = record->offsets ? record->offsets[r + 1] : r + 1;
            for (int i = first; i < last; ++i) {
                T* to = tables + record->table + static_cast<std::size_t>(record->ids[i] * record->width);
                for (int c = 0; c < record->width; ++c) {
                    to[c] += record->grad[r * record->width + c] / static_cast<T>(last - first);
                }
            }
        }
    }
}

/// `build(tape)` returns a value of width 1; the loss is the sum of its rows. Every parameter is moved by
/// +-3e-5 and +-6e-5, so that the third derivative drops out and a large loss costs no digits; of parameters
/// with more than `max_numbers` numbers, evenly spaced ones.
template <class B, class Build>
GradientCheck check_gradients(const B& backend, const ParameterRegistry& list, Parameters<double> parameters,
                              const Layout& layout, Build build, std::size_t max_numbers = 40,
                              DropoutDraw dropout = {}) {
    Arena<typename B::Memory> arena;
    Parameters<double> grad(list);
    const auto loss_at = [&](bool derive) {
        arena.reset();
        Tape<B> tape(backend, parameters, layout, arena, grad.dense.data(), dropout);
        const auto loss = build(tape);
        double sum = 0;
        for (int r = 0; r < loss.rows; ++r) sum += loss.data[r];
        if (derive) {
            tape.backward(loss, 1.0);
            add_sparse(tape.sparse_gradients(), grad.tables.data());
        }
        return sum;
    };
    loss_at(true);
    GradientCheck result;
    for (const ParameterInfo& p : list.parameters) {
        const std::size_t stride = (p.size() + max_numbers - 1) / max_numbers;
        for (std::size_t i = 0; i < p.size(); i += stride) {
            double& x = parameters.at(p)[i];
            const double kept = x, h = 3e-5;
            const auto difference = [&](double by) {
                x = kept + by;
                const double above = loss_at(false);
                x = kept - by;
                return above - loss_at(false);
            };
            const double near = difference(h), far = difference(2 * h);
            x = kept;
            const double numeric = (8 * near - far) / (12 * h), exact = grad.at(p)[i];
            const double error = std::abs(numeric - exact) / (std::max)(std::abs(numeric) + std::abs(exact), 1e-3);
            if (!(error <= result.worst)) result = {error, p.name, i, exact, numeric};
        }
    }
    return result;
}

}  // namespace psad
