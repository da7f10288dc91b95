// A part that copies share until one of them edits it.
#pragma once

#include <memory>
#include <utility>

namespace allora {

// Nothing is allocated until something is stored: an untouched part reads as an empty value.
template <class Value>
class CopyOnWrite {
public:
    const Value& operator*() const { return value_ ? *value_ : nothing(); }
    const Value* operator->() const { return &**this; }
    Value& edit() {
        if (value_.use_count() != 1) {
            value_ = std::make_shared<Value>(**this);
        }
        return *value_;
    }
    // A new value, without a copy of the old one.
    void replace(Value value) { value_ = std::make_shared<Value>(std::move(value)); }

private:
    static const Value& nothing() {
        static const Value empty{};
        return empty;
    }

    std::shared_ptr<Value> value_;
};

} // namespace allora
