// Actors of one role in the order in which they first appeared.
#pragma once

#include "../number/list.hpp"
#include "../number/real.hpp"
#include "addresses.hpp"
#include "copy_on_write.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace allora {

class Roster {
public:
    std::size_t size() const { return members_->actors.size(); }
    std::uint32_t actor(std::size_t index) const { return members_->actors[index]; }
    // Whether these are all actors, in the order in which they joined.
    bool is(std::span<const std::uint32_t> actors) const {
        return std::equal(actors.begin(), actors.end(), members_->actors.begin(),
                          members_->actors.end());
    }
    // The index, or -1 for an actor that never appeared.
    std::int64_t find(std::uint32_t actor) const {
        const std::vector<Entry>& index = members_->index;
        const auto found = place(index, actor);
        return found == index.end() || found->actor != actor ? -1
                                                             : static_cast<std::int64_t>(found->at);
    }
    std::size_t add(std::uint32_t actor) {
        if (const std::int64_t at = find(actor); at >= 0) {
            return static_cast<std::size_t>(at);
        }
        Members& members = members_.edit();
        const auto at = static_cast<std::uint32_t>(members.actors.size());
        members.index.insert(place(members.index, actor), {actor, at});
        members.actors.push_back(actor);
        return at;
    }
    // Indices in address order.
    std::vector<std::size_t> sorted() const {
        const std::vector<std::uint32_t>& actors = members_->actors;
        std::vector<std::size_t> order(actors.size());
        for (std::size_t i = 0; i < order.size(); ++i) {
            order[i] = i;
        }
        std::sort(order.begin(), order.end(), [&actors](std::size_t i, std::size_t j) {
            return address_text(actors[i]) < address_text(actors[j]);
        });
        return order;
    }

private:
    struct Entry {
        std::uint32_t actor;
        std::uint32_t at;
    };

    struct Members {
        std::vector<std::uint32_t> actors;
        std::vector<Entry> index; // sorted by identifier
    };

    static std::vector<Entry>::const_iterator place(const std::vector<Entry>& index,
                                                    std::uint32_t actor) {
        return std::lower_bound(
            index.begin(), index.end(), actor,
            [](const Entry& entry, std::uint32_t wanted) { return entry.actor < wanted; });
    }

    // A state is copied far more often than it gains an actor.
    CopyOnWrite<Members> members_;
};

namespace shelf {

// Places of actors in a roster, -1 for one that never appeared.
class Indices {
public:
    // All actors of a roster of this size.
    explicit Indices(std::size_t size) : size_(size), are_consecutive_(size > 0) {}
    explicit Indices(std::vector<std::int64_t> places)
        : places_(std::move(places)), size_(places_.size()) {
        bool follow = !places_.empty() && places_[0] >= 0;
        for (std::size_t i = 1; follow && i < places_.size(); ++i) {
            follow = places_[i] == places_[i - 1] + 1;
        }
        first_ = follow ? places_[0] : 0;
        are_consecutive_ = follow;
    }
    std::size_t size() const { return size_; }
    std::int64_t operator[](std::size_t i) const {
        return are_consecutive_ ? first_ + static_cast<std::int64_t>(i) : places_[i];
    }
    // Actors that joined in this order, as in a topic whose participants stay: what is stored of
    // them moves as a whole.
    bool are_consecutive() const { return are_consecutive_; }

private:
    std::vector<std::int64_t> places_; // empty where all of a roster is meant
    std::size_t size_;
    std::int64_t first_ = 0;
    bool are_consecutive_;
};

inline Indices indices_of(const Roster& roster, std::span<const std::uint32_t> actors) {
    if (roster.is(actors)) {
        return Indices(actors.size());
    }
    std::vector<std::int64_t> places(actors.size());
    for (std::size_t i = 0; i < actors.size(); ++i) {
        places[i] = roster.find(actors[i]);
    }
    return Indices(std::move(places));
}

template <class Value>
void gather_list(const std::vector<Value>& stored, const Indices& indices, const Value& absent,
                 List<Value>& dense) {
    if (indices.are_consecutive()) {
        const Value* first = stored.data() + static_cast<std::size_t>(indices[0]);
        dense.assign(first, first + indices.size());
        return;
    }
    dense.resize(indices.size());
    for (std::size_t i = 0; i < indices.size(); ++i) {
        dense[i] = indices[i] < 0 ? absent : stored[static_cast<std::size_t>(indices[i])];
    }
}

template <class Real>
void scatter_list(const List<Real>& dense, const Indices& indices, std::vector<Real>& stored) {
    for (std::size_t i = 0; i < indices.size(); ++i) {
        if (indices[i] >= 0 && !Number<Real>::is_missing(dense[i])) {
            stored[static_cast<std::size_t>(indices[i])] = dense[i];
        }
    }
}

} // namespace shelf

} // namespace allora
