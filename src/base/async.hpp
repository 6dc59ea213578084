// Coroutines: one event loop, one thread, no locks.
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace crossfade {

using Executor = boost::asio::any_io_executor;

// A coroutine that runs on the loop. Lazy: nothing happens until it is awaited or spawned.
template <class T = void>
using Task = boost::asio::awaitable<T>;

// Starts a coroutine on the loop and forgets it. An exception that leaves it is a bug: it is logged and terminates.
// A coroutine that is still suspended when its loop (io_context) is destroyed is destroyed with it.
void spawn(const Executor& executor, Task<> task);

// Lets everything else that is ready run first.
Task<> yieldNow();

}  // namespace crossfade
