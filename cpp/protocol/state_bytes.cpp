// Canonical bytes of states, little-endian throughout:
//   "ALLORAST", format version u32, number u8 (0 decimal, 1 float64), topics u64, then per topic
//   topic_id u64, addresses u32 and each as length u32 and bytes in ascending order, values u64,
//   and per value in canonical order family (u8, index below), withheld u32, actor u32 (address
//   index, 2^32-1 for none; the block of a score history stands among the addresses as text and is
//   its entries' withheld), and the number: IEEE bits u64, or negative u8, exponent i32, limbs u32
//   and the coefficient's limbs u64; counts are u64. Last a CRC-64/XZ of everything before it.
#include "../number/decimal_text.hpp"
#include "state_batch.hpp"
#include "state_entries.hpp"

#include <array>
#include <cstring>
#include <map>

namespace allora {

namespace {

constexpr std::string_view magic = "ALLORAST";
constexpr std::uint32_t format_version = 2;
constexpr std::uint32_t nobody = 0xffff'ffff;

// Format 1 ends with the inclusions: its bytes are read as well.
constexpr std::array<const char*, 37> families = {"initial_regret",
                                                  "regret_scale",
                                                  "previous_combined_loss",
                                                  "inference_median",
                                                  "inference_median_absolute_deviation",
                                                  "inferer_regret",
                                                  "forecaster_regret",
                                                  "naive_inferer_regret",
                                                  "one_out_inferer_inferer_regret",
                                                  "one_out_inferer_forecaster_regret",
                                                  "one_out_forecaster_inferer_regret",
                                                  "one_out_forecaster_forecaster_regret",
                                                  "one_in_forecaster_regret",
                                                  "inferer_weight",
                                                  "forecaster_weight",
                                                  "inferer_inclusions",
                                                  "forecaster_inclusions",
                                                  "inferer_score_quantile",
                                                  "initial_inferer_score",
                                                  "forecaster_score_quantile",
                                                  "initial_forecaster_score",
                                                  "reputer_score_quantile",
                                                  "initial_reputer_score",
                                                  "forecaster_score_ratio",
                                                  "inferer_score_ema",
                                                  "inferer_reward_fraction",
                                                  "forecaster_score_ema",
                                                  "forecaster_reward_fraction",
                                                  "reputer_score_ema",
                                                  "reputer_reward_fraction",
                                                  "inferer_score_history",
                                                  "forecaster_score_history",
                                                  "listening_coefficient",
                                                  "delegate_reward_per_share",
                                                  "inferer_score_height",
                                                  "forecaster_score_height",
                                                  "reputer_score_height"};

bool is_count(std::string_view family) {
    return family.ends_with("_inclusions") || family.ends_with("_score_height");
}

std::uint64_t crc64(std::string_view bytes) {
    static const std::array<std::uint64_t, 256> table = [] {
        std::array<std::uint64_t, 256> entries{};
        for (std::uint64_t i = 0; i < 256; ++i) {
            std::uint64_t value = i;
            for (int bit = 0; bit < 8; ++bit) {
                value = (value >> 1) ^ ((value & 1) != 0 ? 0xC96C5795D7870F42ULL : 0);
            }
            entries[i] = value;
        }
        return entries;
    }();
    std::uint64_t crc = ~std::uint64_t{0};
    for (const char byte : bytes) {
        crc = table[(crc ^ static_cast<unsigned char>(byte)) & 0xff] ^ (crc >> 8);
    }
    return ~crc;
}

class Writer {
public:
    std::string bytes;

    template <class Value>
    void put(Value value) {
        for (std::size_t i = 0; i < sizeof value; ++i) {
            bytes.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i)));
        }
    }
    void text(const std::string& value) {
        put(static_cast<std::uint32_t>(value.size()));
        bytes += value;
    }
    void number(double value) { put(std::bit_cast<std::uint64_t>(value)); }
    void number(const Decimal& value) { number(to_big(value)); }
    void number(const BigDecimal& value) {
        put(static_cast<std::uint8_t>(value.negative));
        put(static_cast<std::uint32_t>(value.exponent));
        put(static_cast<std::uint32_t>(value.coefficient.size()));
        for (std::size_t i = 0; i < value.coefficient.size(); ++i) {
            put(value.coefficient.limbs()[i]);
        }
    }
};

// Every read is checked; after the first failure all reads give zeros.
class Reader {
public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}

    bool failed() const { return failed_; }
    bool at_end() const { return !failed_ && at_ == bytes_.size(); }
    std::size_t left() const { return bytes_.size() - at_; }

    template <class Value>
    Value get() {
        std::uint64_t value = 0;
        if (left() < sizeof(Value)) {
            failed_ = true;
            return 0;
        }
        for (std::size_t i = 0; i < sizeof(Value); ++i) {
            value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes_[at_ + i]))
                     << (8 * i);
        }
        at_ += sizeof(Value);
        return static_cast<Value>(value);
    }
    std::string text() {
        const auto length = get<std::uint32_t>();
        if (failed_ || left() < length) {
            failed_ = true;
            return {};
        }
        at_ += length;
        return std::string(bytes_.substr(at_ - length, length));
    }
    void number(double& value) { value = std::bit_cast<double>(get<std::uint64_t>()); }
    void number(BigDecimal& value) {
        const bool negative = get<std::uint8_t>() != 0;
        const auto exponent = static_cast<std::int32_t>(get<std::uint32_t>());
        const auto count = get<std::uint32_t>();
        if (failed_ || left() / 8 < count) {
            failed_ = true;
            return;
        }
        std::vector<std::uint64_t> limbs(count);
        for (std::uint64_t& limb : limbs) {
            limb = get<std::uint64_t>();
        }
        value =
            BigDecimal::from_parts(negative, Natural::from_limbs(limbs.data(), count), exponent);
    }

private:
    std::string_view bytes_;
    std::size_t at_ = 0;
    bool failed_ = false;
};

std::uint8_t family_index(std::string_view family) {
    std::uint8_t index = 0;
    while (families[index] != family) {
        ++index;
    }
    return index;
}

template <class Real>
void write_state(Writer& out, const StoredState<Real>& state) {
    std::map<std::string, std::uint32_t> addresses;
    std::uint64_t values = 0;
    const auto note = [&](const std::string& address) {
        if (!address.empty()) {
            addresses.emplace(address, 0);
        }
    };
    visit_values(state, [&](const char*, const std::string& withheld, const std::string& actor,
                            const Real&) {
        note(withheld);
        note(actor);
        ++values;
    });
    visit_counts(state, [&](const char*, const std::string& actor, std::uint64_t) {
        note(actor);
        ++values;
    });
    out.put(static_cast<std::uint32_t>(addresses.size()));
    std::uint32_t next = 0;
    for (auto& [address, index] : addresses) {
        out.text(address);
        index = next++;
    }
    const auto index_of = [&](const std::string& address) {
        return address.empty() ? nobody : addresses.at(address);
    };
    out.put(values);
    visit_values(state, [&](const char* family, const std::string& withheld,
                            const std::string& actor, const Real& value) {
        out.put(family_index(family));
        out.put(index_of(withheld));
        out.put(index_of(actor));
        out.number(value);
    });
    visit_counts(state, [&](const char* family, const std::string& actor, std::uint64_t count) {
        out.put(family_index(family));
        out.put(nobody);
        out.put(index_of(actor));
        out.put(count);
    });
}

template <class Real>
bool read_state(Reader& in, StoredState<Real>& state) {
    std::vector<std::string> addresses(std::min<std::size_t>(in.get<std::uint32_t>(), in.left()));
    for (std::string& address : addresses) {
        address = in.text();
    }
    const auto values = in.get<std::uint64_t>();
    const std::string none;
    for (std::uint64_t i = 0; i < values && !in.failed(); ++i) {
        const auto family = in.get<std::uint8_t>();
        const auto withheld = in.get<std::uint32_t>();
        const auto actor = in.get<std::uint32_t>();
        if (in.failed() || family >= families.size() ||
            (withheld != nobody && withheld >= addresses.size()) ||
            (actor != nobody && actor >= addresses.size())) {
            return false;
        }
        const std::string& who = actor == nobody ? none : addresses[actor];
        if (is_count(families[family])) {
            std::uint64_t* place = count_place(state, families[family], who);
            if (place == nullptr) {
                return false;
            }
            *place = in.get<std::uint64_t>();
            continue;
        }
        Real value;
        in.number(value);
        Real* place = state_place(state, families[family],
                                  withheld == nobody ? none : addresses[withheld], who);
        if (place == nullptr) {
            return false;
        }
        *place = value;
    }
    return !in.failed();
}

} // namespace

std::string encode_states(bool is_float64, const States& states) {
    Writer out;
    out.bytes = magic;
    out.put(format_version);
    out.put(static_cast<std::uint8_t>(is_float64));
    out.put(static_cast<std::uint64_t>(states.size()));
    for (const auto& shelf : states) {
        out.put(shelf->topic_id);
        std::visit([&](const auto& state) { write_state(out, state); }, shelf->state);
    }
    out.put(crc64(out.bytes));
    return std::move(out.bytes);
}

std::string decode_states(std::string_view bytes, std::string& number, States& states) {
    if (bytes.size() < magic.size() || bytes.substr(0, magic.size()) != magic) {
        return "these bytes are not saved states";
    }
    if (bytes.size() < magic.size() + 21) {
        return "the saved states are cut short";
    }
    const std::string_view body = bytes.substr(0, bytes.size() - 8);
    Reader checksum(bytes.substr(body.size()));
    if (checksum.get<std::uint64_t>() != crc64(body)) {
        return "the saved states are damaged or cut short (their checksum does not match)";
    }
    Reader in(body.substr(magic.size()));
    const auto version = in.get<std::uint32_t>();
    if (version < 1 || version > format_version) {
        return "the states were saved in format " + std::to_string(version) +
               ", this build reads formats 1 to " + std::to_string(format_version);
    }
    const bool is_float64 = in.get<std::uint8_t>() != 0;
    const auto topics = in.get<std::uint64_t>();
    number = is_float64 ? "float64" : "decimal";
    for (std::uint64_t t = 0; t < topics; ++t) {
        auto shelf = std::make_shared<Shelf>();
        shelf->topic_id = in.get<std::uint64_t>();
        bool good = false;
        if (is_float64) {
            StoredState<double> state;
            good = read_state(in, state);
            shelf->state = std::move(state);
        } else {
            StoredState<BigDecimal> state;
            good = read_state(in, state);
            shelf->state = narrowed(std::move(state));
        }
        if (!good) {
            return "the saved states are damaged at topic " + std::to_string(shelf->topic_id);
        }
        states.push_back(std::move(shelf));
    }
    return in.at_end() ? "" : "the saved states hold more bytes than they announce";
}

} // namespace allora
