import HTTPTypes
import RealtimeProtocol
import WebServer

/// Logging in and out, for pages.
struct LoginEndpoints: Sendable {
    let access: AccessGuard
    let carrier: CarrierGuard

    var routes: [Route] {
        [
            Route(.get, "/session", "Who asks, and what they may do") { request in
                guard let visitor = request.visitor else {
                    return .json(["user": .null, "role": .null, "can_log_in": .bool(access.hasCredentials)])
                }
                return .json([
                    "user": .string(visitor.name), "role": .string(visitor.role.rawValue),
                    "can_log_in": .bool(access.hasCredentials),
                ])
            },
            Route(
                .post,
                "/login",
                "Begins a session with a token of API_TOKEN, VIEWER_TOKEN or USERS",
                requestSchema: [
                    "type": "object", "required": ["token"],
                    "properties": ["token": ["type": "string", "minLength": 1]],
                ],
                responses: [
                    (200, "the cookie is set"), (401, "the token is wrong"),
                    (403, "asked for by a page of another site"),
                    (422, "the body is wrong"), (429, "too many wrong tokens: wait a minute"),
                ]
            ) { try login($0) },
            Route(.post, "/logout", "Ends the session", responses: [(204, "the cookie is gone")]) { request in
                access.logout(request)
                let cookie = access.setCookie("", isSecure: carrier.isSecure(request))
                return WebResponse(status: .noContent, headers: [.setCookie: cookie])
            },
        ]
    }

    private func login(_ request: WebRequest) throws -> WebResponse {
        // A page of another site must not log its reader in as somebody else.
        if access.isFromAnotherSite(request) { throw WebError(.forbidden, "pages of other sites may not log in here") }
        let token = try request.object().text("token")
        switch access.login(token, from: carrier.address(of: request)) {
        case .welcome(let visitor, let id):
            var response = WebResponse.json(["user": .string(visitor.name), "role": .string(visitor.role.rawValue)])
            response.headers[.setCookie] = access.setCookie(id, isSecure: carrier.isSecure(request))
            return response
        case .wrong: throw WebError(.unauthorized, "the token is wrong")
        case .later: return AccessGuard.later
        }
    }
}
