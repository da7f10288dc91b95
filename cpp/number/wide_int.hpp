// The compiler's 128-bit integer under one name, so that -Wpedantic has a single place to excuse.
#pragma once

namespace allora {

__extension__ typedef unsigned __int128 u128;

} // namespace allora
