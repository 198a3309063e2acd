import HTTPService
import Testing

@Suite struct HTTPRequestTests {
  @Test func aHeaderIsFoundInAnyCase() {
    let request = HTTPRequest(
      method: "GET", path: "/", headers: [("Content-Type", "a"), ("x", "b")])
    #expect(request.header("content-type") == "a")
    #expect(request.header("X") == "b")
    #expect(request.header("y") == nil)
  }
}
