/// \file upload.hpp
/// Inputs where a device can read them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>

#include "psad/autograd/parameters.hpp"
#include "psad/core/arena.hpp"
#include "psad/core/layout.hpp"
#include "psad/input/batch.hpp"

namespace psad {

/// Collects arrays of the host, and moves all to the device in one piece. Lies in the arena that it fills.
template <class B>
class Upload {
  public:
    using Memory = typename B::Memory;

    Upload(const B& backend, Arena<Memory>& arena) : backend_(&backend), arena_(&arena) {}

    /// `pointer` shows `count` numbers of the host, and after send() their copy. Null stays null.
    template <class U>
    void add(const U*& pointer, std::size_t count) {
        static_assert(std::is_trivially_copyable_v<U>);
        if (pointer == nullptr) return;
        auto* array = arena_->host().template make<Array>(1);
        *array = {pointer, count * sizeof(U), bytes_, &pointer, &set<U>, last_};
        last_ = array;
        bytes_ += (array->bytes + alignment - 1) / alignment * alignment;
    }

    void send() {
        auto* staged = arena_->host().template make<std::byte>(bytes_);
        for (const Array* a = last_; a != nullptr; a = a->next) {
            if (a->bytes > 0) std::memcpy(staged + a->at, a->from, a->bytes);
        }
        std::byte* const there = arena_->template make<std::byte>(bytes_);
        backend_->upload(staged, bytes_, there);
        for (const Array* a = last_; a != nullptr; a = a->next) a->set(a->pointer, there + a->at);
    }

  private:
    static constexpr std::size_t alignment = 16;

    struct Array {
        const void* from;
        std::size_t bytes, at;
        void* pointer;
        void (*set)(void* pointer, const std::byte* to);
        const Array* next;
    };
    template <class U>
    static void set(void* pointer, const std::byte* to) {
        *static_cast<const U**>(pointer) = reinterpret_cast<const U*>(to);
    }

    const B* backend_;
    Arena<Memory>* arena_;
    Array* last_ = nullptr;
    std::size_t bytes_ = 0;
};

namespace upload_detail {
template <class B>
void add(Upload<B>& to, Jagged& rows, int lists) {
    to.add(rows.begin, static_cast<std::size_t>(lists));
    to.add(rows.end, static_cast<std::size_t>(lists));
    to.add(rows.owner, static_cast<std::size_t>(rows.rows));
}
template <class B>
void add(Upload<B>& to, Bag& bag, int rows) {
    to.add(bag.ids, static_cast<std::size_t>(bag.count));
    to.add(bag.bag, static_cast<std::size_t>(rows) + 1);
}
}  // namespace upload_detail

/// Adds all arrays of a layout, which keeps `host`, the layout itself as the host reads it.
template <class B>
void add_layout(Upload<B>& to, Layout& layout, const Layout& host) {
    layout.host = &host;
    for (Jagged* rows : {&layout.per_list, &layout.items, &layout.events, &layout.slots})
        upload_detail::add(to, *rows, layout.lists);
    for (PairOffsets* pairs :
         {&layout.items_items, &layout.items_events, &layout.slots_slots, &layout.slots_items})
        to.add(pairs->offset, static_cast<std::size_t>(layout.lists));
}

/// Adds all arrays of encoded requests; the bags themselves stay on the host, where operations read them.
template <class B, class T>
void add_inputs(Upload<B>& to, Inputs<T>& in, const Inputs<T>& host, Arena<HostMemory>& arena) {
    const int lists = host.layout.lists, items = host.layout.items.rows, events = host.layout.events.rows;
    add_layout(to, in.layout, host.layout);
    const auto fields = [&](const Bag*& bags, int count, int rows) {
        Bag* mine = arena.make<Bag>(static_cast<std::size_t>(count));
        std::copy_n(bags, count, mine);
        for (int f = 0; f < count; ++f) upload_detail::add(to, mine[f], rows);
        bags = mine;
    };
    fields(in.profile_fields, in.profile_field_count, lists);
    fields(in.item_fields, in.item_field_count, items);
    fields(in.event_fields, in.item_field_count, events);
    const auto column = [&](auto*& numbers, int rows, int width = 1) {
        to.add(numbers, static_cast<std::size_t>(rows) * static_cast<std::size_t>(width));
    };
    column(in.profile, lists, profile_width);
    column(in.dense, items, dense_width);
    column(in.match_dense, items, match_width);
    column(in.touched, lists);
    column(in.age, events);
    for (const int** numbers : {&in.feedback, &in.age_bucket, &in.event_index}) column(*numbers, events);
    for (const int** numbers : {&in.rank, &in.match_feedback, &in.match_bucket, &in.match_index})
        column(*numbers, items);
    upload_detail::add(to, in.match, items);
}

/// Encoded requests where the device reads them: these where that is the host's memory, else a copy in the
/// arena. `host` must outlive it.
template <class B, class T>
Inputs<T> on_device(const B& backend, const Inputs<T>& host, Arena<typename B::Memory>& arena) {
    Inputs<T> out = host;
    if constexpr (!B::Memory::on_host) {
        Upload<B> upload(backend, arena);
        add_inputs(upload, out, host, arena.host());
        upload.send();
    }
    return out;
}

/// Parameters where the device reads them: these, which must then outlive it, or a copy.
template <class B, class T>
std::shared_ptr<const Parameters<T, typename B::Memory>> on_device(const B& backend,
                                                                   const Parameters<T>& host) {
    if constexpr (B::Memory::on_host) {
        return {std::shared_ptr<void>(), &host};
    } else {
        using Memory = typename B::Memory;
        auto out = std::make_shared<Parameters<T, Memory>>();
        out->dense = Buffer<T, Memory>(host.dense.size());
        out->tables = Buffer<T, Memory>(host.tables.size());
        backend.upload(host.dense.data(), host.dense.size() * sizeof(T), out->dense.data());
        backend.upload(host.tables.data(), host.tables.size() * sizeof(T), out->tables.data());
        return out;
    }
}

}  // namespace psad
