// Asio's own code, compiled once (BOOST_ASIO_SEPARATE_COMPILATION). Asio's TLS half and Beast's stand in net/.
#include <boost/asio/impl/src.hpp>
