/// \file decode.hpp
/// Filling positions from a matrix of logits, no candidate twice: functors that each serve one list.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "psad/autograd/ops/row_mask.hpp"
#include "psad/core/columns.hpp"
#include "psad/core/layout.hpp"
#include "psad/core/math.hpp"
#include "psad/core/matrix.hpp"

namespace psad::inline PSAD_ABI::decode {

/// The lists being written. All arrays lie on the device.
template <class T>
struct DecodingState {
    Jagged positions;  ///< positions of the output lists
    Jagged items;      ///< candidates
    int* placed_at;    ///< [items] position of an item, RowMask::never_placed while free
    int* chosen;       ///< [positions] item row at a position
    T* score;          ///< [positions] the logit with which it was chosen

    PSAD_HOST_DEVICE void place(int list, int t, int item, T value) const {
        placed_at[item] = t;
        chosen[positions.begin[list] + t] = item;
        score[positions.begin[list] + t] = value;
    }
    PSAD_HOST_DEVICE bool is_free(int item) const { return placed_at[item] == RowMask::never_placed; }
};

/// Logits of the positions [from, from + count) of each list: row t at logits + offset[l] + (t - from) *
/// row_step * n.
template <class T>
struct BlockLogits {
    const T* logits;
    const int* offset;  ///< [lists] first pair of a list
    int from;           ///< first position of the block
    int block;          ///< positions of a block; fewer at the end of a list
    int row_step;       ///< 1; 0 when one row serves every position

    PSAD_HOST_DEVICE int count(const DecodingState<T>& state, int list) const {
        const int left = state.positions.end[list] - state.positions.begin[list] - from;
        return left < block ? (left > 0 ? left : 0) : block;
    }
};

/// What candidates shortly before take off the logits of those that are like them. The columns are those of the inputs.
template <class T>
struct LikeNeighbours {
    FeatureView<T> like;    ///< [items]
    FeatureView<T> effect;  ///< [lists]
    T* logits;              ///< [items] scratch; null where there are no effects

    /// A row of logits with the effects on position t of a list.
    PSAD_HOST_DEVICE const T* on(const T* row, const DecodingState<T>& state, int list, int t) const {
        if (!logits) return row;
        const int first = state.items.begin[list], n = state.items.end[list] - first;
        const int* chosen = state.chosen + state.positions.begin[list];
        T* const out = logits + first;
        for (int i = 0; i < n; ++i) out[i] = row[i];
        for (int f = 0; f < like.columns; ++f) {
            const int reach = effect.columns / like.columns;
            const T* const of_field = effect.data + list * effect.columns + f * reach;
            for (int above = 1; above <= reach && above <= t; ++above) {
                const T value = like.data[chosen[t - above] * like.columns + f], change = of_field[above - 1];
                for (int i = 0; i < n; ++i)
                    out[i] += like.data[(first + i) * like.columns + f] == value ? change : T(0);
            }
        }
        return out;
    }
};

/// Position after position, the best free candidate, given the candidates shortly before.
/// Ties go to the smaller initial rank.
template <class T>
struct FillLeftToRight {
    DecodingState<T> state;
    BlockLogits<T> in;
    LikeNeighbours<T> neighbours;
    const T* after_one;            ///< [items x items pairs] transition scores from one position before, or null
    const T* after_two;            ///< the same from two positions before
    const int* transition_offset;  ///< [lists]

    PSAD_HOST_DEVICE void operator()(int l) const {
        const int first = state.items.begin[l], n = state.items.end[l] - first;
        if (n <= 64) {  // what is taken fits into a register: no load waits for the store of the last choice
            std::uint64_t taken = 0;
            for (int i = 0; i < n; ++i) taken |= std::uint64_t{!state.is_free(first + i)} << i;
            fill(
                l, first, n, [&](int i) { return (taken >> i & 1) == 0; },
                [&](int i) { taken |= std::uint64_t{1} << i; });
        } else {
            fill(
                l, first, n, [&](int i) { return state.is_free(first + i); }, [](int) {});
        }
    }

  private:
    template <class Free, class Take>
    PSAD_HOST_DEVICE void fill(int l, int first, int n, Free free, Take take) const {
        const int count = in.count(state, l);
        for (int k = 0; k < count; ++k) {
            const int t = in.from + k;
            const T* row =
                neighbours.on(in.logits + in.offset[l] + static_cast<long>(k) * in.row_step * n, state, l, t);
            const T* one = transitions(after_one, l, t - 1, n, first);
            const T* two = transitions(after_two, l, t - 2, n, first);
            const auto place_best = [&](auto value) {
                const int i = best(n, free, value);
                take(i);
                state.place(l, t, first + i, value(i));
            };
            if (two)
                place_best([=](int i) { return row[i] + one[i] + two[i]; });
            else if (one)
                place_best([=](int i) { return row[i] + one[i]; });
            else
                place_best([=](int i) { return row[i]; });
        }
    }

    PSAD_HOST_DEVICE const T* transitions(const T* scores, int l, int t, int n, int first) const {
        if (!scores || t < 0) return nullptr;
        return scores + transition_offset[l] + (state.chosen[state.positions.begin[l] + t] - first) * n;
    }

    static constexpr std::int64_t none = (std::numeric_limits<std::int64_t>::min)();

    /// The first of the largest free values. A float and its index make one integer, so a single pass without a branch
    /// finds both; a compiler vectorises it.
    template <class Free, class Value>
    PSAD_HOST_DEVICE static int best(int n, Free free, Value value) {
        if constexpr (std::is_same_v<T, float>) {
            std::int64_t top = none;
            for (int i = 0; i < n; ++i) {
                const auto ranked = (std::int64_t{math::ordered_bits(value(i))} << 32) | (n - i);
                const auto key = free(i) ? ranked : none;
                top = key > top ? key : top;
            }
            return n - static_cast<int>(top & 0xffffffff);
        } else {
            int at = -1;
            for (int i = 0; i < n; ++i) {
                if (free(i) && (at < 0 || value(i) > value(at))) at = i;
            }
            return at;
        }
    }
};

/// The largest scores first, ties by initial rank: what FillLeftToRight would write without transitions, but each
/// position is found on its own.
struct FillSorted {
    DecodingState<float> state;
    const float* scores;   ///< [items]
    std::int64_t* ranked;  ///< [items] scratch

    PSAD_HOST_DEVICE void operator()(int l) const {
        const int first = state.items.begin[l], n = state.items.end[l] - first;
        const int count = state.positions.end[l] - state.positions.begin[l];
        std::int64_t* keys = ranked + first;
        for (int i = 0; i < n; ++i) keys[i] = (std::int64_t{math::ordered_bits(scores[first + i])} << 32) | (n - i);
        for (int i = 0; i < n; ++i) {
            int above = 0;
            for (int j = 0; j < n; ++j) above += keys[j] > keys[i] ? 1 : 0;
            if (above < count) state.place(l, above, first + i, scores[first + i]);
        }
    }
};

/// Log-probability of item i for row k among the free candidates is logits[k][i] - norm[k].
template <class T>
PSAD_HOST_DEVICE inline T log_norm(const DecodingState<T>& state, const T* row, int first, int n) {
    T top = math::lowest<T>;
    for (int i = 0; i < n; ++i) {
        if (state.is_free(first + i) && row[i] > top) top = row[i];
    }
    T sum = 0;
    for (int i = 0; i < n; ++i) {
        if (state.is_free(first + i)) sum += math::exp(row[i] - top);
    }
    return top + std::log(sum);
}

/// The pair (position, candidate) of the largest probability first.
template <class T>
struct FillByConfidence {
    DecodingState<T> state;
    BlockLogits<T> in;
    T* norm;  ///< [positions] scratch

    PSAD_HOST_DEVICE void operator()(int l) const {
        const int first = state.items.begin[l], n = state.items.end[l] - first;
        const int count = in.count(state, l);
        const T* rows = in.logits + in.offset[l];
        int* chosen = state.chosen + state.positions.begin[l] + in.from;
        T* norms = norm + state.positions.begin[l] + in.from;
        for (int k = 0; k < count; ++k) {
            chosen[k] = -1;
            norms[k] = log_norm(state, rows + k * n, first, n);
        }
        for (int done = 0; done < count; ++done) {
            int best_k = -1, best_i = -1;
            T top = 0;
            for (int k = 0; k < count; ++k) {
                if (chosen[k] >= 0) continue;
                for (int i = 0; i < n; ++i) {
                    const T value = rows[k * n + i] - norms[k];
                    if (state.is_free(first + i) && (best_i < 0 || value > top)) best_k = k, best_i = i, top = value;
                }
            }
            state.place(l, in.from + best_k, first + best_i, rows[best_k * n + best_i]);
        }
    }
};

/// Position after position, the candidate of the largest (1 - w) p - w max cos(candidate, one placed before):
/// contrastive search (Su et al., NeurIPS 2022) as NAR4Rec uses it.
template <class T>
struct FillContrastive {
    DecodingState<T> state;
    BlockLogits<T> in;
    Matrix<const T> item;  ///< [items, width] embeddings that similarity is measured on
    T weight;

    PSAD_HOST_DEVICE void operator()(int l) const {
        const int first = state.items.begin[l], n = state.items.end[l] - first;
        const int count = in.count(state, l);
        for (int k = 0; k < count; ++k) {
            const int t = in.from + k;
            const T* row = in.logits + in.offset[l] + static_cast<long>(k) * in.row_step * n;
            const T norm = log_norm(state, row, first, n);
            int best = -1;
            T top = 0;
            for (int i = 0; i < n; ++i) {
                if (!state.is_free(first + i)) continue;
                const T value = (T(1) - weight) * math::exp(row[i] - norm) - weight * similarity(l, t, first + i);
                if (best < 0 || value > top) best = i, top = value;
            }
            state.place(l, t, first + best, row[best]);
        }
    }

  private:
    PSAD_HOST_DEVICE T similarity(int l, int t, int candidate) const {
        T largest = 0;
        for (int s = 0; s < t; ++s) {
            const int other = state.chosen[state.positions.begin[l] + s];
            T dot = 0, a = 0, b = 0;
            for (int c = 0; c < item.cols; ++c) {
                dot += item(candidate, c) * item(other, c);
                a += item(candidate, c) * item(candidate, c);
                b += item(other, c) * item(other, c);
            }
            const T cosine = dot / std::sqrt((a > T(0) ? a : T(1)) * (b > T(0) ? b : T(1)));
            largest = cosine > largest ? cosine : largest;
        }
        return largest;
    }
};

/// The assignment of positions to candidates with the largest total log-probability: shortest augmenting paths
/// (Jonker and Volgenant, 1987), O(K^2 n).
template <class T>
struct FillOptimally {
    DecodingState<T> state;
    BlockLogits<T> in;
    T* item_price;      ///< [items + lists] scratch, n + 1 numbers per list
    T* distance;        ///< the same
    int* owner;         ///< the same
    int* previous;      ///< the same
    int* visited;       ///< the same
    T* position_price;  ///< [positions + lists] scratch
    T* norm;            ///< [positions] scratch

    PSAD_HOST_DEVICE void operator()(int l) const {
        const int first = state.items.begin[l], n = state.items.end[l] - first;
        const int count = in.count(state, l);
        const T* rows = in.logits + in.offset[l];
        // Candidates count from 1; 0 stands for "no candidate yet". owner[j] is the position (from 1) that holds j.
        T* v = item_price + first + l;
        T* slack = distance + first + l;
        int* held = owner + first + l;
        int* from = previous + first + l;
        int* seen = visited + first + l;
        T* u = position_price + state.positions.begin[l] + l;
        T* norms = norm + state.positions.begin[l];
        for (int j = 0; j <= n; ++j) v[j] = T(0), held[j] = 0;
        for (int k = 0; k <= count; ++k) u[k] = T(0);
        for (int k = 0; k < count; ++k) norms[k] = log_norm(state, rows + k * n, first, n);
        for (int k = 1; k <= count; ++k) {
            held[0] = k;
            int at = 0;
            for (int j = 0; j <= n; ++j) slack[j] = -math::lowest<T>, seen[j] = 0;
            do {
                seen[at] = 1;
                const int position = held[at];
                int next = -1;
                T step = -math::lowest<T>;
                for (int j = 1; j <= n; ++j) {
                    if (seen[j] || !state.is_free(first + j - 1)) continue;
                    const T reduced = norms[position - 1] - rows[(position - 1) * n + j - 1] - u[position] - v[j];
                    if (reduced < slack[j]) slack[j] = reduced, from[j] = at;
                    if (next < 0 || slack[j] < step) step = slack[j], next = j;
                }
                for (int j = 0; j <= n; ++j) {
                    if (seen[j])
                        u[held[j]] += step, v[j] -= step;
                    else
                        slack[j] -= step;
                }
                at = next;
            } while (held[at] != 0);
            while (at != 0) {
                held[at] = held[from[at]];
                at = from[at];
            }
        }
        for (int j = 1; j <= n; ++j) {
            if (held[j] == 0) continue;
            const int k = held[j] - 1;
            state.place(l, in.from + k, first + j - 1, rows[k * n + j - 1]);
        }
    }
};

}  // namespace psad::decode
