// A batch whose topics live on a device over many epochs, its participants being the same in all of
// them: states stay there, an epoch's numbers come in columns, results go out in columns.
#pragma once

#include "device_memory.hpp"
#include "engine.hpp"
#include "workspace.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace allora {

// A column at the device's door; `type` as in NumPy's typestr, without its byte order.
struct ResidentColumn {
    std::string name;
    std::string type;
    std::size_t item = 0; // bytes
    std::int64_t count = 0;

    std::size_t bytes() const { return item * static_cast<std::size_t>(count); }
};

// Where a caller keeps a column; null: nowhere.
struct GivenColumn {
    const void* data = nullptr;
    bool is_on_device = false;
};

class Resident {
public:
    // `epochs` and `states` outlive this. Throws OutOfDeviceMemory, or std::invalid_argument for
    // participants that are not in address order.
    Resident(const Rules& rules, Host& host, Device& device, const EpochColumns<double>& epochs,
             const std::int64_t* value_rows, const std::int64_t* loss_rows, const States& states);
    ~Resident();
    Resident(const Resident&) = delete;
    Resident& operator=(const Resident&) = delete;

    const std::vector<ResidentColumn>& inputs() const { return inputs_; }
    const std::vector<ResidentColumn>& outputs() const { return outputs_; }

    // infer, settle and reward of all topics, ordered on `stream`; waits for nothing. An input that
    // is not given stays what it was, at first what `epochs` says; an output that is not given goes
    // to memory of its own.
    void epoch(std::span<const GivenColumn> inputs, std::span<void* const> outputs,
               StreamHandle stream, std::span<const StreamHandle> after);
    // Where an output of the last epoch stands; null before the first.
    void* output(std::size_t at) const { return standing_[at]; }

    // These wait for the device.
    std::vector<TopicStatus> status(EpochVerb verb);
    States states();
    void read(std::size_t output, void* to);

    DeviceMemory& memory() { return *memory_; }
    std::size_t bytes_held() const { return held_; }
    std::size_t bytes_in() const { return in_; }
    std::size_t bytes_out() const { return out_; }

private:
    struct Give {
        DeviceMemory* memory;
        void operator()(std::byte* taken) const noexcept { memory->give(taken); }
    };
    using Extra = std::array<std::vector<std::uint32_t>, 2>; // of inferers, forecasters

    template <class Value>
    const Value* keep(const Value* values, std::size_t count);
    std::byte* take(std::size_t bytes);
    void require(std::size_t bytes);
    void copy_in(void* to, const void* from, std::size_t bytes);
    void copy_out(void* to, const void* from, std::size_t bytes);

    void name_columns();
    void check_roster() const;
    void lay_out();
    std::size_t lay_out_topic(std::int64_t t, ActorIndex& index, Workspace<double>& space);
    std::size_t lay_out_rooms(std::int64_t t, Workspace<double>& space);
    void write_topic(std::int64_t t, Workspace<double>& space, std::byte* states);
    void write_history(const ScoreHistory<double>& history, std::span<const std::uint32_t> actors,
                       std::vector<std::uint32_t>& extra, ResidentHistory<double> to) const;
    void upload();
    void upload_roster();
    void place_inputs(std::span<const GivenColumn> inputs);
    void place_outputs(std::span<void* const> outputs);
    std::shared_ptr<const Shelf> state(std::int64_t t, std::byte* states,
                                       const std::uint8_t* newest) const;
    ScoreHistory<double> history(std::span<const std::uint32_t> actors,
                                 const std::vector<std::uint32_t>& extra,
                                 ResidentHistory<double> from) const;

    Rules rules_;
    Host& host_;
    std::unique_ptr<DeviceMemory> memory_;
    EpochColumns<double> epochs_;
    const std::int64_t* value_rows_;
    const std::int64_t* loss_rows_;
    States before_;
    std::vector<ResidentColumn> inputs_;
    std::vector<ResidentColumn> outputs_;
    std::vector<std::byte*> own_inputs_, own_outputs_;
    std::vector<void*> standing_;
    std::vector<std::unique_ptr<std::byte, Give>> taken_;
    std::vector<ResidentPlace> places_;
    std::vector<Params<double>> params_;
    std::vector<std::int32_t> shared_, element_starts_, element_index_;
    std::vector<Extra> extra_; // actors of a history who are not of the epoch
    ResidentWorld<double> world_;
    ResidentRooms rooms_;
    std::size_t states_size_ = 0; // of one copy of everything
    std::size_t held_ = 0;
    std::size_t in_ = 0;
    std::size_t out_ = 0;
};

} // namespace allora
