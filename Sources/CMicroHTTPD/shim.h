#pragma once
#include <microhttpd.h>
// Not in Swift's Glibc module.
#include <sys/epoll.h>
#include <sys/eventfd.h>

// libmicrohttpd's variadic functions, which Swift cannot call.

/// What libmicrohttpd calls back, all with the same `context`.
struct lk_mhd_callbacks {
  void *context;
  MHD_AccessHandlerCallback request;
  MHD_RequestCompletedCallback completed;
  MHD_NotifyConnectionCallback connection;
  void *(*target)(void *context, const char *target, struct MHD_Connection *connection);
};

/// A daemon with one thread and no listening socket: connections are handed to it. `certificate` and `key` are PEM
/// texts, or NULL both; MHD reads them before this returns. NULL where it could not start.
static inline struct MHD_Daemon *lk_mhd_start(
    const struct lk_mhd_callbacks *callbacks, unsigned int connections, size_t connection_memory,
    const char *certificate, const char *key) {
  struct MHD_OptionItem tls[] = {
      {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)certificate},
      {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)key},
      {MHD_OPTION_END, 0, NULL},
  };
  unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC
      | MHD_USE_NO_LISTEN_SOCKET | (certificate ? MHD_USE_TLS : 0);
  return MHD_start_daemon(
      flags, 0, NULL, NULL, callbacks->request, callbacks->context,
      MHD_OPTION_NOTIFY_COMPLETED, callbacks->completed, callbacks->context,
      MHD_OPTION_NOTIFY_CONNECTION, callbacks->connection, callbacks->context,
      MHD_OPTION_URI_LOG_CALLBACK, callbacks->target, callbacks->context,
      MHD_OPTION_CONNECTION_LIMIT, connections,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory,
      certificate ? MHD_OPTION_ARRAY : MHD_OPTION_END, tls,
      MHD_OPTION_END);
}

/// What the connection callback kept with the connection.
static inline void *lk_mhd_connection_context(struct MHD_Connection *connection) {
  return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/// The connection's socket.
static inline int lk_mhd_connection_socket(struct MHD_Connection *connection) {
  return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

/// The client's address.
static inline const struct sockaddr *lk_mhd_connection_peer(struct MHD_Connection *connection) {
  return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
}

/// Lets the response end with the connection rather than with a last chunk. MHD_NO where it cannot.
static inline enum MHD_Result lk_mhd_end_by_closing(struct MHD_Response *response) {
  return MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
}
