/// Who asks, and what they may do.
public struct Visitor: Sendable, Hashable {
    /// What somebody may do.
    public enum Role: String, Sendable, Hashable, CaseIterable {
        /// Look at calls, their words and the server's figures.
        case viewer
        /// Act on calls, too.
        case `operator`
    }

    /// The name under which their acts are written down.
    public var name: String
    /// What they may do.
    public var role: Role

    /// Somebody.
    public init(_ name: String, _ role: Role) {
        self.name = name
        self.role = role
    }

    /// Whoever is on this machine.
    public static let local = Visitor("local", .operator)

    /// Whether they may use a route.
    public func may(_ access: Route.Access) -> Bool {
        switch access {
        case .open, .viewer: true
        case .operate: role == .operator
        }
    }
}

/// What somebody must know to be let in.
public struct Credential: Sendable, Hashable {
    /// Who that is.
    public var visitor: Visitor
    /// A token, sent as `Authorization: Bearer` or typed at the login.
    public var secret: String

    /// A credential.
    public init(_ visitor: Visitor, secret: String) {
        self.visitor = visitor
        self.secret = secret
    }
}
