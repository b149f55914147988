/// \file decode.hpp
/// Filling places from a matrix of logits, without a duplicate: functors that each serve one list.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "psad/backend/kernels.hpp"
#include "psad/core/layout.hpp"
#include "psad/core/math.hpp"
#include "psad/core/matrix.hpp"

namespace psad::decode {

/// The lists being written. All arrays lie on the device.
template <class T>
struct Board {
    Jagged slots;    ///< places of the output lists
    Jagged items;    ///< candidates
    int* placed_at;  ///< [items] slot of an item, RowMask::never_placed while free
    int* chosen;     ///< [slots] item row at a slot
    T* score;        ///< [slots] the logit with which it was chosen

    PSAD_HOST_DEVICE void place(int list, int t, int item, T value) const {
        placed_at[item] = t;
        chosen[slots.begin[list] + t] = item;
        score[slots.begin[list] + t] = value;
    }
    PSAD_HOST_DEVICE bool free(int item) const { return placed_at[item] == kernels::RowMask::never_placed; }
};

/// Logits of the places [from, from + count) of each list: row t at logits + offset[l] + (t - from) *
/// row_step * n.
template <class T>
struct BlockLogits {
    const T* logits;
    const int* offset;  ///< [lists] first pair of a list
    int from;           ///< first place of the block
    int block;          ///< places of a block; fewer at the end of a list
    int row_step;       ///< 1; 0 when one row serves every place

    PSAD_HOST_DEVICE int count(const Board<T>& board, int list) const {
        const int left = board.slots.end[list] - board.slots.begin[list] - from;
        return left < block ? (left > 0 ? left : 0) : block;
    }
};

/// Place after place, the best free candidate, given what stands one and two places before.
/// Ties go to the smaller prior rank.
template <class T>
struct FillLeftToRight {
    Board<T> board;
    BlockLogits<T> in;
    const T* step1;          ///< [items x items pairs] transitions from one place before, or null
    const T* step2;          ///< the same from two places before
    const int* step_offset;  ///< [lists]

    PSAD_HOST_DEVICE void operator()(int l) const {
        const int first = board.items.begin[l], n = board.items.end[l] - first;
        if (n <= 64) {  // what is taken fits into a register: no load waits for the store of the last choice
            std::uint64_t taken = 0;
            for (int i = 0; i < n; ++i) taken |= std::uint64_t{!board.free(first + i)} << i;
            fill(
                l, first, n, [&](int i) { return (taken >> i & 1) == 0; },
                [&](int i) { taken |= std::uint64_t{1} << i; });
        } else {
            fill(
                l, first, n, [&](int i) { return board.free(first + i); }, [](int) {});
        }
    }

  private:
    template <class Free, class Take>
    PSAD_HOST_DEVICE void fill(int l, int first, int n, Free free, Take take) const {
        const int count = in.count(board, l);
        for (int k = 0; k < count; ++k) {
            const int t = in.from + k;
            const T* row = in.logits + in.offset[l] + static_cast<long>(k) * in.row_step * n;
            const T* one = transitions(step1, l, t - 1, n, first);
            const T* two = transitions(step2, l, t - 2, n, first);
            const auto place_best = [&](auto value) {
                const int i = best(n, free, value);
                take(i);
                board.place(l, t, first + i, value(i));
            };
            if (two)
                place_best([=](int i) { return row[i] + one[i] + two[i]; });
            else if (one)
                place_best([=](int i) { return row[i] + one[i]; });
            else
                place_best([=](int i) { return row[i]; });
        }
    }

    PSAD_HOST_DEVICE const T* transitions(const T* steps, int l, int t, int n, int first) const {
        if (!steps || t < 0) return nullptr;
        return steps + step_offset[l] + (board.chosen[board.slots.begin[l] + t] - first) * n;
    }

    static constexpr std::int64_t none = (std::numeric_limits<std::int64_t>::min)();

    /// The first of the largest free values. A float and its place make one integer: a single pass without a
    /// branch, of which a compiler makes vectors.
    template <class Free, class Value>
    PSAD_HOST_DEVICE static int best(int n, Free free, Value value) {
        if constexpr (std::is_same_v<T, float>) {
            std::int64_t top = none;
            for (int i = 0; i < n; ++i) {
                const auto ranked = (std::int64_t{math::ordered_bits(value(i))} << 32) | (n - i);
                const auto mine = free(i) ? ranked : none;
                top = mine > top ? mine : top;
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

/// The largest scores first, ties by prior rank: what FillLeftToRight would write without transitions, but no
/// place waits for the one before.
struct FillSorted {
    Board<float> board;
    const float* scores;   ///< [items]
    std::int64_t* ranked;  ///< [items] scratch

    PSAD_HOST_DEVICE void operator()(int l) const {
        const int first = board.items.begin[l], n = board.items.end[l] - first;
        const int count = board.slots.end[l] - board.slots.begin[l];
        std::int64_t* mine = ranked + first;
        for (int i = 0; i < n; ++i)
            mine[i] = (std::int64_t{math::ordered_bits(scores[first + i])} << 32) | (n - i);
        for (int i = 0; i < n; ++i) {
            int above = 0;
            for (int j = 0; j < n; ++j) above += mine[j] > mine[i] ? 1 : 0;
            if (above < count) board.place(l, above, first + i, scores[first + i]);
        }
    }
};

/// Log-probability of item i for row k among the free candidates is logits[k][i] - norm[k].
template <class T>
PSAD_HOST_DEVICE inline T log_norm(const Board<T>& board, const T* row, int first, int n) {
    T top = math::lowest<T>;
    for (int i = 0; i < n; ++i) {
        if (board.free(first + i) && row[i] > top) top = row[i];
    }
    T sum = 0;
    for (int i = 0; i < n; ++i) {
        if (board.free(first + i)) sum += math::exp(row[i] - top);
    }
    return top + std::log(sum);
}

/// The pair (place, candidate) of the largest probability first.
template <class T>
struct FillByConfidence {
    Board<T> board;
    BlockLogits<T> in;
    T* norm;  ///< [slots] scratch

    PSAD_HOST_DEVICE void operator()(int l) const {
        const int first = board.items.begin[l], n = board.items.end[l] - first;
        const int count = in.count(board, l);
        const T* rows = in.logits + in.offset[l];
        int* chosen = board.chosen + board.slots.begin[l] + in.from;
        T* mine = norm + board.slots.begin[l] + in.from;
        for (int k = 0; k < count; ++k) {
            chosen[k] = -1;
            mine[k] = log_norm(board, rows + k * n, first, n);
        }
        for (int done = 0; done < count; ++done) {
            int best_k = -1, best_i = -1;
            T top = 0;
            for (int k = 0; k < count; ++k) {
                if (chosen[k] >= 0) continue;
                for (int i = 0; i < n; ++i) {
                    const T value = rows[k * n + i] - mine[k];
                    if (board.free(first + i) && (best_i < 0 || value > top))
                        best_k = k, best_i = i, top = value;
                }
            }
            board.place(l, in.from + best_k, first + best_i, rows[best_k * n + best_i]);
        }
    }
};

/// Place after place, the candidate of the largest (1 - w) p - w max cos(candidate, one placed before):
/// contrastive search (Su et al., NeurIPS 2022) as NAR4Rec uses it.
template <class T>
struct FillContrastive {
    Board<T> board;
    BlockLogits<T> in;
    Matrix<const T> item;  ///< [items, width] what likeness is measured on
    T weight;

    PSAD_HOST_DEVICE void operator()(int l) const {
        const int first = board.items.begin[l], n = board.items.end[l] - first;
        const int count = in.count(board, l);
        for (int k = 0; k < count; ++k) {
            const int t = in.from + k;
            const T* row = in.logits + in.offset[l] + static_cast<long>(k) * in.row_step * n;
            const T norm = log_norm(board, row, first, n);
            int best = -1;
            T top = 0;
            for (int i = 0; i < n; ++i) {
                if (!board.free(first + i)) continue;
                const T value =
                    (T(1) - weight) * math::exp(row[i] - norm) - weight * likeness(l, t, first + i);
                if (best < 0 || value > top) best = i, top = value;
            }
            board.place(l, t, first + best, row[best]);
        }
    }

  private:
    PSAD_HOST_DEVICE T likeness(int l, int t, int candidate) const {
        T most = 0;
        for (int s = 0; s < t; ++s) {
            const int other = board.chosen[board.slots.begin[l] + s];
            T dot = 0, a = 0, b = 0;
            for (int c = 0; c < item.cols; ++c) {
                dot += item(candidate, c) * item(other, c);
                a += item(candidate, c) * item(candidate, c);
                b += item(other, c) * item(other, c);
            }
            const T cosine = dot / std::sqrt((a > T(0) ? a : T(1)) * (b > T(0) ? b : T(1)));
            most = cosine > most ? cosine : most;
        }
        return most;
    }
};

/// The assignment of places to candidates with the largest total log-probability: shortest augmenting paths
/// (Jonker and Volgenant, 1987), O(K^2 n).
template <class T>
struct FillOptimally {
    Board<T> board;
    BlockLogits<T> in;
    T* item_price;   ///< [items + lists] scratch, n + 1 numbers per list
    T* distance;     ///< the same
    int* owner;      ///< the same
    int* previous;   ///< the same
    int* visited;    ///< the same
    T* place_price;  ///< [slots + lists] scratch
    T* norm;         ///< [slots] scratch

    PSAD_HOST_DEVICE void operator()(int l) const {
        const int first = board.items.begin[l], n = board.items.end[l] - first;
        const int count = in.count(board, l);
        const T* rows = in.logits + in.offset[l];
        // Candidates count from 1; 0 stands for "no candidate yet". owner[j] is the place (from 1) that holds
        // j.
        T* v = item_price + first + l;
        T* least = distance + first + l;
        int* held = owner + first + l;
        int* from = previous + first + l;
        int* seen = visited + first + l;
        T* u = place_price + board.slots.begin[l] + l;
        T* mine = norm + board.slots.begin[l];
        for (int j = 0; j <= n; ++j) v[j] = T(0), held[j] = 0;
        for (int k = 0; k <= count; ++k) u[k] = T(0);
        for (int k = 0; k < count; ++k) mine[k] = log_norm(board, rows + k * n, first, n);
        for (int k = 1; k <= count; ++k) {
            held[0] = k;
            int at = 0;
            for (int j = 0; j <= n; ++j) least[j] = -math::lowest<T>, seen[j] = 0;
            do {
                seen[at] = 1;
                const int place = held[at];
                int next = -1;
                T step = -math::lowest<T>;
                for (int j = 1; j <= n; ++j) {
                    if (seen[j] || !board.free(first + j - 1)) continue;
                    const T reduced = mine[place - 1] - rows[(place - 1) * n + j - 1] - u[place] - v[j];
                    if (reduced < least[j]) least[j] = reduced, from[j] = at;
                    if (next < 0 || least[j] < step) step = least[j], next = j;
                }
                for (int j = 0; j <= n; ++j) {
                    if (seen[j])
                        u[held[j]] += step, v[j] -= step;
                    else
                        least[j] -= step;
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
            board.place(l, in.from + k, first + j - 1, rows[k * n + j - 1]);
        }
    }
};

}  // namespace psad::decode
