// Actors of one role in the order in which they first appeared.
#pragma once

#include "../number/real.hpp"
#include "addresses.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace allora {

class Roster {
public:
    std::size_t size() const { return actors_.size(); }
    std::uint32_t actor(std::size_t index) const { return actors_[index]; }
    // The index, or -1 for an actor that never appeared.
    std::int64_t find(std::uint32_t actor) const {
        const auto found = place(actor);
        return found == index_.end() || found->actor != actor
                   ? -1
                   : static_cast<std::int64_t>(found->at);
    }
    std::size_t add(std::uint32_t actor) {
        const auto found = place(actor);
        if (found != index_.end() && found->actor == actor) {
            return found->at;
        }
        index_.insert(found, {actor, static_cast<std::uint32_t>(actors_.size())});
        actors_.push_back(actor);
        return actors_.size() - 1;
    }
    // Indices in address order.
    std::vector<std::size_t> sorted() const {
        std::vector<std::size_t> order(actors_.size());
        for (std::size_t i = 0; i < order.size(); ++i) {
            order[i] = i;
        }
        std::sort(order.begin(), order.end(), [this](std::size_t i, std::size_t j) {
            return address_text(actors_[i]) < address_text(actors_[j]);
        });
        return order;
    }

private:
    struct Entry {
        std::uint32_t actor;
        std::uint32_t at;
    };

    std::vector<Entry>::const_iterator place(std::uint32_t actor) const {
        return std::lower_bound(
            index_.begin(), index_.end(), actor,
            [](const Entry& entry, std::uint32_t wanted) { return entry.actor < wanted; });
    }

    std::vector<std::uint32_t> actors_;
    // Sorted by identifier: a state is copied far more often than it gains an actor, and one block
    // copies faster than a table of nodes.
    std::vector<Entry> index_;
};

namespace shelf {

using Indices = std::vector<std::int64_t>;

inline Indices indices_of(const Roster& roster, std::span<const std::uint32_t> actors) {
    Indices indices(actors.size());
    for (std::size_t i = 0; i < actors.size(); ++i) {
        indices[i] = roster.find(actors[i]);
    }
    return indices;
}

template <class Value>
void gather_list(const std::vector<Value>& stored, const Indices& indices, const Value& absent,
                 std::vector<Value>& dense) {
    dense.resize(indices.size());
    for (std::size_t i = 0; i < indices.size(); ++i) {
        dense[i] = indices[i] < 0 ? absent : stored[static_cast<std::size_t>(indices[i])];
    }
}

template <class Real>
void scatter_list(const std::vector<Real>& dense, const Indices& indices,
                  std::vector<Real>& stored) {
    for (std::size_t i = 0; i < indices.size(); ++i) {
        if (indices[i] >= 0 && !Number<Real>::is_missing(dense[i])) {
            stored[static_cast<std::size_t>(indices[i])] = dense[i];
        }
    }
}

} // namespace shelf

} // namespace allora
