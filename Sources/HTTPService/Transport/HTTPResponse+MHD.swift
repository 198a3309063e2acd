import CMicroHTTPD

extension HTTPResponse {
  /// The transport's own complaint, in the form of the OpenAI API's errors. `message` is plain ASCII without quotes.
  static func failure(
    _ status: Int, _ message: String, headers: [(name: String, value: String)] = []
  ) -> HTTPResponse {
    let type = status < 500 ? "invalid_request_error" : "server_error"
    return HTTPResponse(
      status: status, headers: [("Content-Type", "application/json")] + headers,
      body: [UInt8](
        #"{"error":{"message":"\#(message)","type":"\#(type)","param":null,"code":null}}"#.utf8))
  }

  /// Bodies up to this size are handed over whole; longer ones are read in pieces, which shows their progress.
  static let shortBytes = 64 << 10

  /// Queues the response on a connection. `answer` holds the body where it is long.
  func queue(on connection: OpaquePointer, _ answer: Answer?) -> MHD_Result {
    if let answer, body.count > Self.shortBytes {
      return unsafe queueBody(
        of: UInt64(body.count), from: answer, status: status, headers: headers, on: connection)
    }
    let response = unsafe body.withUnsafeBytes { bytes in
      unsafe MHD_create_response_from_buffer(
        bytes.count, UnsafeMutableRawPointer(mutating: bytes.baseAddress), .RESPMEM_MUST_COPY)
    }
    return unsafe queueResponse(response, status: status, headers: headers, on: connection)
  }
}

/// Queues a response whose body is read from `answer`; `size` is `UInt64.max` where it is unknown.
func queueBody(
  of size: UInt64, from answer: Answer, status: Int, headers: [(name: String, value: String)],
  on connection: OpaquePointer
) -> MHD_Result {
  let context = unsafe Unmanaged.passRetained(answer).toOpaque()
  let response = unsafe MHD_create_response_from_callback(
    size, 32 << 10,
    { context, _, buffer, count in
      guard let context = unsafe context else { return -1 }
      let answer = unsafe Unmanaged<Answer>.fromOpaque(context).takeUnretainedValue()
      switch unsafe answer.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: count)) {
      case .bytes(let count): return count
      case .wait: return 0
      case .end: return -1  // MHD_CONTENT_READER_END_OF_STREAM
      }
    }, context,
    { context in
      if let context = unsafe context { unsafe Unmanaged<Answer>.fromOpaque(context).release() }
    })
  if answer.isHead, let response = unsafe response {
    // libmicrohttpd 0.9.75 sends the last chunk even where there is no body to end.
    _ = unsafe lk_mhd_end_by_closing(response)
  }
  return unsafe queueResponse(response, status: status, headers: headers, on: connection)
}

private func queueResponse(
  _ response: OpaquePointer?, status: Int, headers: [(name: String, value: String)],
  on connection: OpaquePointer
) -> MHD_Result {
  guard let response = unsafe response else { return .NO }
  defer { unsafe MHD_destroy_response(response) }
  for (name, value) in headers {
    precondition(!name.isEmpty && name.utf8.allSatisfy(isTokenByte), "a header's name is a token")
    let line = String(
      decoding: value.utf8.map { $0 < 0x20 || $0 == 0x7f ? 0x20 : $0 }, as: UTF8.self)
    // libmicrohttpd refuses those that are its own to write, such as Content-Length.
    _ = unsafe MHD_add_response_header(response, name, line)
  }
  return unsafe MHD_queue_response(connection, UInt32(status), response)
}

/// Whether a byte may stand in a header's name (RFC 9110, section 5.6.2).
private func isTokenByte(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "a")...UInt8(ascii: "z"):
    true
  default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
  }
}
