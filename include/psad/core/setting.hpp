/// \file setting.hpp
/// Settings: a struct declares each once, with its range and a sentence, in
///
///     template <class Visit, class Self>
///     static void for_each_setting(Visit&& visit, Self& self) {
///         visit(Setting{"epochs", "Passes over the training lists", 1}, self.epochs);
///     }
///
/// and checks, flags, printing and files all go through it.
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <type_traits>

#include "psad/core/error.hpp"
#include "psad/core/text.hpp"

namespace psad::inline PSAD_ABI {

/// A setting's name, what it does, and its range; infinite bounds mean none.
struct Setting {
    const char* name;
    const char* help;
    double min = -std::numeric_limits<double>::infinity();
    double max = std::numeric_limits<double>::infinity();
    bool above_min = false;            ///< min itself is out of range
    bool below_max = false;            ///< max itself is out of range
    const char* short_name = nullptr;  ///< another name of its flag

    /// False for NaN and infinities too.
    bool accepts(double value) const {
        return std::isfinite(value) && (above_min ? value > min : value >= min) &&
               (below_max ? value < max : value <= max);
    }
    /// "1 or more", "above 0", "0 or more, below 1", "1 to 10".
    std::string range() const {
        const bool low = std::isfinite(min), high = std::isfinite(max);
        if (low && high && !above_min && !below_max) return number_text(min) + " to " + number_text(max);
        std::string out;
        if (low) out = above_min ? "above " + number_text(min) : number_text(min) + " or more";
        if (high)
            out +=
                (out.empty() ? "" : ", ") + (below_max ? "below " + number_text(max) : number_text(max) + " or less");
        return out.empty() ? "a finite number" : out;
    }
};

/// Throws SettingError for the first setting out of its range; `source` names the struct in the message.
template <class Settings>
void check_settings(const char* source, const Settings& settings) {
    Settings::for_each_setting(
        [&](const Setting& s, const auto& value) {
            using V = std::remove_cvref_t<decltype(value)>;
            if constexpr (std::is_arithmetic_v<V>) {
                if (!s.accepts(static_cast<double>(value)))
                    raise(SettingError(source, s.name, number_text(value), s.range()));
            }
        },
        settings);
}

}  // namespace psad
