/// \file columns.hpp
/// Structs of columns. Each declares its columns once, in
///
///     template <class Visit, class... Self>
///     static void for_each_column(Visit&& visit, Self&... self) {
///         visit(Column<Items>{"rank"}, self.rank...);
///         visit(Column<Items, 3>{"colour"}, self.colour...);
///     }
///
/// and everything that treats all columns alike goes through it: clearing, viewing, moving to a device, checking.
/// Given several structs, the visitor sees the same column of each side by side.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "psad/core/bag.hpp"
#include "psad/core/layout.hpp"

namespace psad::inline PSAD_ABI {

/// What a visitor receives of a column: its name, the axis that its rows run along, and the numbers per row.
template <class Axis, int Width = 1>
struct Column {
    using axis = Axis;
    static constexpr int width = Width;
    const char* name;

    /// Numbers of the whole column in a batch.
    static std::size_t size(const Layout& layout) {
        return static_cast<std::size_t>(layout.template rows<Axis>()) * static_cast<std::size_t>(Width);
    }
};

/// A view of rows whose width is known at run time, row after row. No columns: no numbers.
template <class U>
struct FeatureView {
    const U* data = nullptr;
    int columns = 0;
};
/// Owns the numbers of a FeatureView.
template <class U>
struct FeatureTable {
    std::vector<U> numbers;
    int columns = 0;

    void clear() { numbers.clear(); }
    /// New rows of zeros; where the first begins.
    U* append(std::size_t rows) {
        const std::size_t size = numbers.size();
        numbers.resize(size + rows * static_cast<std::size_t>(columns));
        return numbers.data() + size;
    }
};

/// Storage of a struct of columns: vectors, which own the numbers.
struct Owned {
    template <class U>
    using column = std::vector<U>;
    template <class U>
    using features = FeatureTable<U>;
    using bag = BagStorage;
    using bags = BagListStorage;
};
/// Storage of a struct of columns: pointers to numbers elsewhere, on the host or on a device.
struct Viewed {
    template <class U>
    using column = const U*;
    template <class U>
    using features = FeatureView<U>;
    using bag = Bag;
    using bags = BagList;
};

namespace columns_detail {
template <class U>
const U* view(const std::vector<U>& column) {
    return column.empty() ? nullptr : column.data();
}
template <class U>
FeatureView<U> view(const FeatureTable<U>& table) {
    return {table.numbers.empty() ? nullptr : table.numbers.data(), table.columns};
}
inline Bag view(const BagStorage& bag) {
    return bag.view();
}
inline BagList view(BagListStorage& bags) {
    return bags.view();
}

template <class U, class F>
void for_each_array(const U*& numbers, std::size_t size, int /*rows*/, F& f) {
    if (numbers) f(numbers, size);
}
template <class U, class F>
void for_each_array(FeatureView<U>& features, std::size_t, int rows, F& f) {
    if (features.data) f(features.data, static_cast<std::size_t>(rows) * static_cast<std::size_t>(features.columns));
}
template <class F>
void for_each_array(Bag& bag, std::size_t, int rows, F& f) {
    if (bag.ids) f(bag.ids, static_cast<std::size_t>(bag.count));
    if (bag.offsets) f(bag.offsets, static_cast<std::size_t>(rows) + 1);
}
template <class F>
void for_each_array(BagList& bags, std::size_t, int rows, F& f) {
    for (int i = 0; i < bags.count; ++i) for_each_array(bags.data[i], 0, rows, f);
}
}  // namespace columns_detail

/// Empties all columns and keeps their memory.
template <class Columns>
void clear_columns(Columns& owned) {
    Columns::for_each_column([](auto, auto& column) { column.clear(); }, owned);
}

/// Points the columns of `viewed` to those of `owned`; an empty column becomes null.
template <class OwnedColumns, class ViewedColumns>
void view_columns(OwnedColumns& owned, ViewedColumns& viewed) {
    OwnedColumns::for_each_column([](auto, auto& from, auto& to) { to = columns_detail::view(from); }, owned, viewed);
}

/// Calls f(pointer, count) for every array of `viewed` that is not null; f may replace the pointer. `layout` gives the
/// rows.
template <class Columns, class F>
void for_each_array(Columns& viewed, const Layout& layout, F&& f) {
    Columns::for_each_column(
        [&](auto column, auto& numbers) {
            using C = decltype(column);
            columns_detail::for_each_array(numbers, C::size(layout), layout.template rows<typename C::axis>(), f);
        },
        viewed);
}

/// The same for the arrays of a layout; `host` is the same layout where the host may read it.
template <class F>
void for_each_array(Layout& layout, const Layout& host, F&& f) {
    const auto lists = static_cast<std::size_t>(host.lists);
    Layout::for_each_axis(
        [&](Jagged& rows) {
            f(rows.begin, lists);
            f(rows.end, lists);
            f(rows.owner, static_cast<std::size_t>(rows.rows));
        },
        layout);
    Layout::for_each_pair([&](PairOffsets& pairs) { f(pairs.offset, lists); }, layout);
}

}  // namespace psad
