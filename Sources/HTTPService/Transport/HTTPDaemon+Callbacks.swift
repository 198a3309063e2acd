import CMicroHTTPD

// C functions that libmicrohttpd calls on its own thread. They are formed here, outside any actor, and only find the
// objects behind the pointers.

let requestCallback: MHD_AccessHandlerCallback = {
  context, connection, _, method, _, data, size, request in
  guard let context = unsafe context, let connection = unsafe connection,
    let method = unsafe method, let size = unsafe size, let request = unsafe request
  else { return .NO }
  let daemon = unsafe Unmanaged<HTTPDaemon>.fromOpaque(context).takeUnretainedValue()
  guard let known = unsafe request.pointee else {
    guard let kept = unsafe lk_mhd_connection_context(connection) else { return .NO }
    let owner = unsafe Unmanaged<HTTPConnection>.fromOpaque(kept).takeUnretainedValue()
    let (incoming, result) = unsafe daemon.head(of: connection, method: method, on: owner)
    if let incoming { unsafe request.pointee = Unmanaged.passRetained(incoming).toOpaque() }
    return result
  }
  let incoming = unsafe Unmanaged<IncomingRequest>.fromOpaque(known).takeUnretainedValue()
  guard unsafe size.pointee > 0 else { return unsafe daemon.complete(incoming, on: connection) }
  let bytes = unsafe UnsafeRawBufferPointer(start: data, count: size.pointee)
  unsafe size.pointee = 0
  return unsafe daemon.body(bytes, of: incoming)
}

let completedCallback: MHD_RequestCompletedCallback = { context, connection, request, code in
  guard let context = unsafe context, let connection = unsafe connection,
    let kept = unsafe lk_mhd_connection_context(connection)
  else { return }
  let daemon = unsafe Unmanaged<HTTPDaemon>.fromOpaque(context).takeUnretainedValue()
  let owner = unsafe Unmanaged<HTTPConnection>.fromOpaque(kept).takeUnretainedValue()
  var incoming: IncomingRequest?
  if let known = unsafe request?.pointee {
    incoming = unsafe Unmanaged<IncomingRequest>.fromOpaque(known).takeRetainedValue()
    unsafe request?.pointee = nil
  }
  daemon.over(incoming, on: owner, isComplete: code == .REQUEST_TERMINATED_COMPLETED_OK)
}

let connectionCallback: MHD_NotifyConnectionCallback = { context, connection, slot, event in
  guard let context = unsafe context, let connection = unsafe connection, let slot = unsafe slot
  else { return }
  let daemon = unsafe Unmanaged<HTTPDaemon>.fromOpaque(context).takeUnretainedValue()
  if event == .CONNECTION_NOTIFY_STARTED {
    let opened = unsafe daemon.opened(
      lk_mhd_connection_socket(connection), peer: text(of: lk_mhd_connection_peer(connection)))
    unsafe slot.pointee = Unmanaged.passRetained(opened).toOpaque()
  } else if let kept = unsafe slot.pointee {
    unsafe slot.pointee = nil
    daemon.closed(unsafe Unmanaged<HTTPConnection>.fromOpaque(kept).takeRetainedValue())
  }
}

/// Keeps the target as it came: libmicrohttpd decodes it in place, and ends it at a `%00`.
let targetCallback:
  @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>?, OpaquePointer?) ->
    UnsafeMutableRawPointer? = { _, target, connection in
      guard let target = unsafe target, let connection = unsafe connection,
        let kept = unsafe lk_mhd_connection_context(connection)
      else { return nil }
      let owner = unsafe Unmanaged<HTTPConnection>.fromOpaque(kept).takeUnretainedValue()
      owner.target = unsafe Array(String(cString: target).utf8)
      return nil
    }
