import HTTPTypes

/// Which other sites' pages may use the server (CORS, as in the Fetch standard).
public struct CORSPolicy: Sendable {
    /// Origins as browsers write them, such as `https://example.com`; `*` is all.
    public var origins: [String]

    /// Makes a policy; none is the default.
    public init(_ origins: [String] = []) { self.origins = origins }

    /// Whether a page of this origin is one of them. A list of all trusts none of them with what is not open.
    func allows(_ origin: String) -> Bool { origins.contains(origin) }

    /// Lets the browser hand the answer to the page.
    func mark(_ response: inout WebResponse, for request: WebRequest) {
        if origins.isEmpty { return }
        guard let origin = request.headers[.origin] else { return vary(&response) }
        if allows(origin) {
            response.headers[.accessControlAllowOrigin] = origin
            response.headers[.accessControlAllowCredentials] = "true"
        } else if origins.contains("*") {
            response.headers[.accessControlAllowOrigin] = "*"
        }
        vary(&response)
    }

    private func vary(_ response: inout WebResponse) {
        response.headers.append(HTTPField(name: .vary, value: "Origin"))
    }

    /// The answer to OPTIONS: what may be asked for.
    func preflight(_ request: WebRequest, _ methods: [HTTPRequest.Method]) -> WebResponse {
        let names = methods.map(\.rawValue).joined(separator: ", ")
        var response = WebResponse(status: .noContent, headers: [.allow: names])
        guard let origin = request.headers[.origin], allows(origin) || origins.contains("*") else { return response }
        response.headers[.accessControlAllowMethods] = names
        response.headers[.accessControlAllowHeaders] =
            request.headers[.accessControlRequestHeaders] ?? "Authorization, Content-Type"
        response.headers[.accessControlMaxAge] = "600"
        return response
    }
}
