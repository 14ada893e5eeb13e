public import RealtimeProtocol

/// The tools of a server: what the model must know of them, and what they do.
///
///     var tools = ToolRegistry()
///     tools.register(
///         "look_up_order", description: "Looks up an order by its number.",
///         parameters: ["type": "object", "properties": ["number": ["type": "integer"]], "required": ["number"]]
///     ) { (arguments: Order.Key, context) in try await orders.find(arguments.number) }
///
/// Give `definitions` to the machine; when it says `runTool`, run it.
public struct ToolRegistry: Sendable {
    /// What a tool does: arguments in, text for the model out.
    public typealias Handler = @Sendable (JSONValue, ToolContext) async throws -> String

    private struct Entry: Sendable {
        var definition: ToolDefinition
        var handler: Handler
    }

    private var entries: [Entry] = []

    /// A registry with `current_time`, unless it is not wanted.
    public init(withBuiltIns: Bool = true) {
        guard withBuiltIns else { return }
        register(BuiltInTools.currentTime) { _, context in context.wallClock.description }
    }

    /// What the model and the machine must know, in the order of registration.
    public var definitions: [ToolDefinition] { entries.map(\.definition) }

    /// The tools of these names; names that are not known are passed over.
    public func only(_ names: some Collection<String>) -> ToolRegistry {
        var result = self
        result.entries = entries.filter { names.contains($0.definition.name) }
        return result
    }

    /// Adds a tool that takes its arguments as JSON. A tool of the same name is replaced.
    public mutating func register(_ definition: ToolDefinition, handler: @escaping Handler) {
        let entry = Entry(definition: definition, handler: handler)
        if let index = entries.firstIndex(where: { $0.definition.name == definition.name }) {
            entries[index] = entry
        } else {
            entries.append(entry)
        }
    }

    /// Adds a tool with typed arguments that returns text.
    public mutating func register<Arguments: Decodable & Sendable>(
        _ definition: ToolDefinition,
        handler: @escaping @Sendable (Arguments, ToolContext) async throws -> String
    ) {
        register(definition) { (arguments: JSONValue, context) in
            try await handler(try JSONValueDecoder.decode(Arguments.self, from: arguments), context)
        }
    }

    /// Adds a tool with typed arguments that returns a value, which the model gets as JSON.
    public mutating func register<Arguments: Decodable & Sendable, Output: Encodable & Sendable>(
        _ definition: ToolDefinition,
        handler: @escaping @Sendable (Arguments, ToolContext) async throws -> Output
    ) {
        register(definition) { (arguments: JSONValue, context) in
            let output = try await handler(try JSONValueDecoder.decode(Arguments.self, from: arguments), context)
            return try JSONValueEncoder.encode(output).text
        }
    }

    /// Adds a tool with typed arguments that returns text.
    public mutating func register<Arguments: Decodable & Sendable>(
        _ name: String,
        description: String,
        parameters: JSONValue,
        handler: @escaping @Sendable (Arguments, ToolContext) async throws -> String
    ) {
        let definition = ToolDefinition(name: name, description: description, parameters: parameters)
        register(definition, handler: handler)
    }

    /// Adds a tool with typed arguments that returns a value, which the model gets as JSON.
    public mutating func register<Arguments: Decodable & Sendable, Output: Encodable & Sendable>(
        _ name: String,
        description: String,
        parameters: JSONValue,
        handler: @escaping @Sendable (Arguments, ToolContext) async throws -> Output
    ) {
        let definition = ToolDefinition(name: name, description: description, parameters: parameters)
        register(definition, handler: handler)
    }

    /// Runs a tool. An error of the handler becomes a failure that the model is told; cancel the task to cancel it.
    public func run(_ invocation: ToolInvocation, context: ToolContext) async -> ToolResult {
        guard let entry = entries.first(where: { $0.definition.name == invocation.name }) else {
            return .failure("no such function")
        }
        do {
            return .output(try await entry.handler(invocation.arguments, context))
        } catch {
            return .failure("\(error)")
        }
    }
}
