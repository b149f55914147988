/// \file id_map.hpp
/// Names to numbers and back: the ids of a field or of items that come as text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "psad/core/error.hpp"
#include "psad/core/hash_key.hpp"
#include "psad/core/rng.hpp"
#include "psad/features/schema.hpp"

namespace psad::inline PSAD_ABI {

/// Gives names the numbers 0, 1, 2 and so on, in the order in which they are added. Lookups allocate nothing; const use
/// is thread-safe.
class IdMap {
  public:
    IdMap() = default;
    /// From what bytes() and ends() gave. Throws SettingError where ends fall, do not end at the last byte, or two
    /// names are alike.
    IdMap(std::string bytes, std::vector<std::int64_t> ends) : bytes_(std::move(bytes)), ends_(std::move(ends)) {
        std::int64_t begin = 0;
        for (const std::int64_t end : ends_) {
            if (end < begin || static_cast<std::size_t>(end) > bytes_.size())
                throw SettingError("id map", "ends", "ends that fall or run past the names", "rising ends");
            begin = end;
        }
        if (static_cast<std::size_t>(begin) != bytes_.size())
            throw SettingError("id map", "ends", std::to_string(begin), std::to_string(bytes_.size()));
        slots_.assign(slots_for(ends_.size()), none);
        for (std::size_t id = 0; id < ends_.size(); ++id) {
            std::int32_t& slot = slots_[find_slot(name(static_cast<std::int32_t>(id)))];
            if (slot != none)
                throw SettingError("id map", "names", "'" + std::string(name(slot)) + "' twice", "each once");
            slot = static_cast<std::int32_t>(id);
        }
    }

    std::size_t size() const noexcept { return ends_.size(); }

    /// The number of a name; -1 for one that is not known.
    std::int32_t find(std::string_view name) const { return slots_.empty() ? none : slots_[find_slot(name)]; }

    /// The number of a name, which is added if it is new. Throws SettingError beyond max_vocabulary names.
    std::int32_t add(std::string_view name) {
        if (slots_.size() < slots_for(size() + 1)) grow();
        std::int32_t& slot = slots_[find_slot(name)];
        if (slot != none) return slot;
        if (size() >= static_cast<std::size_t>(max_vocabulary))
            throw SettingError("id map", "names", "more than " + std::to_string(max_vocabulary), "fewer");
        slot = static_cast<std::int32_t>(size());
        bytes_.append(name);
        ends_.push_back(static_cast<std::int64_t>(bytes_.size()));
        return slot;
    }

    /// The name of a number below size().
    std::string_view name(std::int32_t id) const {
        const auto i = static_cast<std::size_t>(id);
        const std::size_t begin = i == 0 ? 0 : static_cast<std::size_t>(ends_[i - 1]);
        return std::string_view(bytes_).substr(begin, static_cast<std::size_t>(ends_[i]) - begin);
    }

    /// The same in every run, unless a key says otherwise.
    static std::uint64_t hash(std::string_view name, std::uint64_t key = 0) {
        std::uint64_t h = 0x9e3779b97f4a7c15U ^ key ^ name.size();
        while (!name.empty()) {
            std::uint64_t word = 0;
            const std::size_t count = name.size() < sizeof word ? name.size() : sizeof word;
            std::memcpy(&word, name.data(), count);
            h = rng::mix(h ^ word);
            name.remove_prefix(count);
        }
        return h;
    }

    /// All names end to end, and where each ends.
    const std::string& bytes() const noexcept { return bytes_; }
    const std::vector<std::int64_t>& ends() const noexcept { return ends_; }

  private:
    static constexpr std::int32_t none = -1;

    /// A power of two that leaves a third or more of the slots free.
    static std::size_t slots_for(std::size_t names) {
        std::size_t slots = 16;
        while (2 * slots < 3 * names) slots *= 2;
        return slots;
    }

    /// Where a name stands, or the free slot where it would.
    std::size_t find_slot(std::string_view wanted) const {
        const std::size_t mask = slots_.size() - 1;
        std::size_t at = static_cast<std::size_t>(hash(wanted, hash_key())) & mask;
        while (slots_[at] != none && name(slots_[at]) != wanted) at = (at + 1) & mask;
        return at;
    }

    void grow() {
        slots_.assign(slots_for(size() + 1), none);
        for (std::size_t id = 0; id < size(); ++id)
            slots_[find_slot(name(static_cast<std::int32_t>(id)))] = static_cast<std::int32_t>(id);
    }

    std::string bytes_;
    std::vector<std::int64_t> ends_;
    std::vector<std::int32_t> slots_;  ///< by hash, open addressing
};

}  // namespace psad
