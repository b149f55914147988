/// \file json_value.hpp
/// JSON in memory. The values of nlohmann-json need memory to be destroyed, so a program that has none left ends by
/// them; these need none. Texts and numbers are written by nlohmann-json.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI::model_file {

/// A value: null, true or false, a number, a text, a list, or an object with its members in the order of adding.
class JsonValue {
  public:
    using Array = std::vector<JsonValue>;

    JsonValue() = default;
    template <class T>
    requires(!std::is_same_v<std::remove_cvref_t<T>, JsonValue>) JsonValue(T&& value) {
        using V = std::remove_cvref_t<T>;
        if constexpr (std::is_same_v<V, std::nullptr_t> || std::is_same_v<V, bool>) {
            value_ = value;
        } else if constexpr (std::is_floating_point_v<V>) {
            value_ = static_cast<double>(value);
        } else if constexpr (std::is_integral_v<V> && std::is_signed_v<V>) {
            value_ = static_cast<std::int64_t>(value);
        } else if constexpr (std::is_integral_v<V>) {
            value_ = static_cast<std::uint64_t>(value);
        } else if constexpr (std::is_convertible_v<V, std::string_view>) {
            value_ = std::string(std::forward<T>(value));
        } else {
            Array list;
            for (const auto& element : value) list.emplace_back(element);
            value_ = std::move(list);
        }
    }
    static JsonValue array() { return Array(); }
    /// Of names and values, one after the other. (Where memory ends in the middle of an initializer list, g++ 12
    /// destroys what was never made.)
    template <class... Members>
    static JsonValue object(Members&&... members) {
        JsonValue out = empty_object();
        add_members(out, std::forward<Members>(members)...);
        return out;
    }

    bool is_null() const { return std::holds_alternative<std::nullptr_t>(value_); }
    bool is_boolean() const { return std::holds_alternative<bool>(value_); }
    bool is_number_integer() const {
        return std::holds_alternative<std::int64_t>(value_) || std::holds_alternative<std::uint64_t>(value_);
    }
    bool is_number() const { return is_number_integer() || std::holds_alternative<double>(value_); }
    bool is_string() const { return std::holds_alternative<std::string>(value_); }
    bool is_array() const { return std::holds_alternative<Array>(value_); }
    bool is_object() const { return std::holds_alternative<std::shared_ptr<Object>>(value_); }

    /// A text, a boolean or a number; integers wrap where V is too small. The kind must fit.
    template <class V>
    V get() const {
        if constexpr (std::is_same_v<V, std::string> || std::is_same_v<V, bool>) {
            return std::get<V>(value_);
        } else {
            if (const auto* x = std::get_if<std::int64_t>(&value_)) return static_cast<V>(*x);
            if (const auto* x = std::get_if<std::uint64_t>(&value_)) return static_cast<V>(*x);
            return static_cast<V>(std::get<double>(value_));
        }
    }
    /// Elements of a list, members of an object; 0 for anything else.
    std::size_t size() const;
    /// The elements of a list; none of anything else.
    const Array& elements() const {
        static const Array none;
        return is_array() ? std::get<Array>(value_) : none;
    }
    const JsonValue& operator[](std::size_t i) const { return std::get<Array>(value_)[i]; }
    bool contains(std::string_view name) const;
    /// A member that is there.
    const JsonValue& operator[](std::string_view name) const;
    /// Calls visit(name, value) for the members of an object, in their order.
    template <class Visit>
    void for_each_member(Visit visit) const;

    bool operator==(const JsonValue& other) const { return dump() == other.dump(); }

    /// Of a list.
    JsonValue& push_back(JsonValue value) { return std::get<Array>(value_).emplace_back(std::move(value)); }
    /// Adds a member to an object, or changes it; the reference is valid until the next one.
    JsonValue& set(std::string_view name, JsonValue value);
    /// The member of that name, which becomes an object if there is none.
    JsonValue& object_at(std::string_view name);

    /// As text; what is no UTF-8 is replaced. With `indent` each element has a line, so many spaces deeper; else there
    /// is no space at all.
    std::string dump(int indent = 0) const {
        std::string out;
        append_to(out, indent, 0);
        return out;
    }

  private:
    struct Object;
    static JsonValue empty_object();
    static void add_members(JsonValue&) {}
    template <class Value, class... More>
    static void add_members(JsonValue& to, std::string_view name, Value&& value, More&&... more) {
        to.set(name, std::forward<Value>(value));
        add_members(to, std::forward<More>(more)...);
    }
    void append_to(std::string& out, int indent, int depth) const;
    template <class Scalar>
    static void append_scalar(std::string& out, const Scalar& value) {
        out += nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    }

    std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, Array, std::shared_ptr<Object>>
        value_ = nullptr;
};

struct JsonValue::Object {
    std::map<std::string, std::size_t, std::less<>> places;  ///< by name: place among the members
    std::vector<std::pair<const std::string*, JsonValue>> members;
};

inline JsonValue JsonValue::empty_object() {
    JsonValue out;
    out.value_ = std::make_shared<Object>();
    return out;
}
inline std::size_t JsonValue::size() const {
    if (is_object()) return std::get<std::shared_ptr<Object>>(value_)->members.size();
    return elements().size();
}
inline bool JsonValue::contains(std::string_view name) const {
    return is_object() && std::get<std::shared_ptr<Object>>(value_)->places.contains(name);
}
inline const JsonValue& JsonValue::operator[](std::string_view name) const {
    const Object& object = *std::get<std::shared_ptr<Object>>(value_);
    return object.members[object.places.find(name)->second].second;
}
template <class Visit>
void JsonValue::for_each_member(Visit visit) const {
    if (!is_object()) return;
    for (const auto& [name, value] : std::get<std::shared_ptr<Object>>(value_)->members) visit(*name, value);
}
inline JsonValue& JsonValue::set(std::string_view name, JsonValue value) {
    auto& shared = std::get<std::shared_ptr<Object>>(value_);
    if (shared.use_count() > 1) {  // a copy that changes
        auto own = std::make_shared<Object>();
        for (const auto& [key, member] : shared->members) {
            const auto place = own->places.emplace(*key, own->members.size()).first;
            own->members.emplace_back(&place->first, member);
        }
        shared = std::move(own);
    }
    Object& object = *shared;
    if (const auto known = object.places.find(name); known != object.places.end())
        return object.members[known->second].second = std::move(value);
    // Where memory ends, nothing is added: what comes after the place needs none.
    if (object.members.size() == object.members.capacity()) object.members.reserve(2 * object.members.size() + 1);
    const auto place = object.places.emplace(std::string(name), object.members.size()).first;
    return object.members.emplace_back(&place->first, std::move(value)).second;
}
inline JsonValue& JsonValue::object_at(std::string_view name) {
    if (!contains(name)) return set(name, object());
    return set(name, (*this)[name]);
}
inline void JsonValue::append_to(std::string& out, int indent, int depth) const {
    const auto new_line = [&](int spaces) {
        if (indent > 0) out += '\n' + std::string(static_cast<std::size_t>(spaces), ' ');
    };
    const auto list = [&](char begin, char end, const auto& all, auto append) {
        out += begin;
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (i > 0) out += ',';
            new_line(indent * (depth + 1));
            append(all[i]);
        }
        if (!all.empty()) new_line(indent * depth);
        out += end;
    };
    if (is_object()) {
        list('{', '}', std::get<std::shared_ptr<Object>>(value_)->members, [&](const auto& member) {
            append_scalar(out, *member.first);
            out += indent > 0 ? ": " : ":";
            member.second.append_to(out, indent, depth + 1);
        });
    } else if (is_array()) {
        list('[', ']', elements(), [&](const JsonValue& element) { element.append_to(out, indent, depth + 1); });
    } else {
        std::visit(
            [&](const auto& value) {
                using V = std::remove_cvref_t<decltype(value)>;
                if constexpr (!std::is_same_v<V, Array> && !std::is_same_v<V, std::shared_ptr<Object>>)
                    append_scalar(out, value);
            },
            value_);
    }
}

}  // namespace psad::model_file
